import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.SQLException;
import java.util.List;
import java.util.Objects;
import java.util.Properties;

/** The cluster that the environment names, as the PostgreSQL driver is told of it, and what its clients expect. */
final class Cluster {
    static final String URL = "jdbc:postgresql://" + System.getenv("CLUSTER_ENDPOINT") + ":5432/postgres";

    private Cluster() {}

    /** What a person writes: the name is verified, the token is the password. */
    static Properties properties() {
        Properties properties = new Properties();
        properties.setProperty("user", "admin");
        properties.setProperty("password", System.getenv("PGPASSWORD"));
        properties.setProperty("sslmode", "verify-full");
        properties.setProperty("sslrootcert", System.getenv("PGSSLROOTCERT"));
        return properties;
    }

    static Connection connect() throws SQLException {
        return DriverManager.getConnection(URL, properties());
    }

    static void execute(Connection connection, String... statements) throws SQLException {
        for (String each : statements) {
            try (var statement = connection.createStatement()) {
                statement.execute(each);
            }
        }
    }

    /** The rows of a query, each as the list of its values. */
    static List<List<String>> rows(Connection connection, String query) throws SQLException {
        try (var statement = connection.createStatement(); var result = statement.executeQuery(query)) {
            return rows(result);
        }
    }

    static List<List<String>> rows(java.sql.ResultSet result) throws SQLException {
        var rows = new java.util.ArrayList<List<String>>();
        while (result.next()) {
            var row = new java.util.ArrayList<String>();
            for (int column = 1; column <= result.getMetaData().getColumnCount(); column++) {
                row.add(result.getString(column));
            }
            rows.add(row);
        }
        return rows;
    }

    static void same(Object expected, Object found) {
        if (!Objects.equals(expected, found)) {
            throw new AssertionError("expected " + expected + ", found " + found);
        }
    }

    /** COMMIT, which must lose to another transaction; the connection is good for another one. */
    static void loses(Connection connection) throws SQLException {
        try {
            connection.commit();
        } catch (SQLException lost) {
            same("40001", lost.getSQLState());
            same(true, lost.getMessage().contains("(OC000)"));
            connection.rollback();
            return;
        }
        throw new AssertionError("COMMIT did not lose");
    }
}
