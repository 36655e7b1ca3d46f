import java.math.BigDecimal;
import java.util.List;
import java.util.UUID;

/** Prepared statements, often enough to be the server's, batches, generated keys, rows by parts, and a conflict. */
public final class Statements {
    public static void main(String[] arguments) throws Exception {
        try (var one = Cluster.connect(); var other = Cluster.connect()) {
            Cluster.execute(one,
                "CREATE TABLE statements (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), n int NOT NULL, price numeric(8, 2))");
            prepared(one);
            batch(one);
            parts(one);
            conflict(one, other);
        }
    }

    private static void prepared(java.sql.Connection connection) throws Exception {
        var insert = "INSERT INTO statements (n, price) VALUES (?, ?)";
        try (var statement = connection.prepareStatement(insert, new String[] {"id"})) {
            for (int n = 0; n < 20; n++) { // from the fifth time on it is prepared on the server
                statement.setInt(1, n);
                statement.setBigDecimal(2, new BigDecimal("1.50"));
                Cluster.same(1, statement.executeUpdate());
                try (var keys = statement.getGeneratedKeys()) {
                    Cluster.same(true, keys.next());
                    Cluster.same(true, keys.getObject(1, UUID.class) != null);
                }
            }
        }
        try (var statement = connection.prepareStatement("SELECT n FROM statements WHERE n = ANY (?) ORDER BY n")) {
            statement.setArray(1, connection.createArrayOf("int4", new Integer[] {3, 1, 99}));
            try (var result = statement.executeQuery()) {
                Cluster.same(List.of(List.of("1"), List.of("3")), Cluster.rows(result));
            }
        }
    }

    private static void batch(java.sql.Connection connection) throws Exception {
        connection.setAutoCommit(false);
        try (var statement = connection.prepareStatement("UPDATE statements SET price = price + ? WHERE n = ?")) {
            for (int n = 0; n < 20; n++) {
                statement.setInt(1, n);
                statement.setInt(2, n);
                statement.addBatch();
            }
            for (int changed : statement.executeBatch()) {
                Cluster.same(1, changed);
            }
        }
        connection.commit();
        Cluster.same(List.of(List.of("220.00")), Cluster.rows(connection, "SELECT sum(price) FROM statements"));
        connection.commit();
    }

    private static void parts(java.sql.Connection connection) throws Exception {
        try (var statement = connection.prepareStatement("SELECT n FROM generate_series(1, 1000) n")) {
            statement.setFetchSize(100);
            try (var result = statement.executeQuery()) {
                Cluster.same(1000, Cluster.rows(result).size());
            }
        }
        connection.commit();
    }

    private static void conflict(java.sql.Connection one, java.sql.Connection other) throws Exception {
        for (var connection : List.of(one, other)) {
            connection.setAutoCommit(false);
            try (var statement = connection.prepareStatement("UPDATE statements SET price = 0 WHERE n = ?")) {
                statement.setInt(1, 7);
                Cluster.same(1, statement.executeUpdate());
            }
        }
        one.commit();
        Cluster.loses(other);
    }
}
