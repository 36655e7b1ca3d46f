import java.sql.Connection;
import java.sql.ResultSet;
import java.util.List;

/** A result whose rows can be changed, as editors of tables use it: update, insert, delete, and a conflict. */
public final class Updatable {
    private static final String QUERY = "SELECT id, name FROM updatable ORDER BY id";

    public static void main(String[] arguments) throws Exception {
        try (var one = Cluster.connect(); var other = Cluster.connect()) {
            Cluster.execute(one, "CREATE TABLE updatable (id int PRIMARY KEY, name text)",
                "INSERT INTO updatable VALUES (1, 'a'), (2, 'b')");
            change(one);
            Cluster.same(List.of(List.of("1", "A"), List.of("3", "c")), Cluster.rows(one, QUERY));
            for (var connection : List.of(one, other)) {
                connection.setAutoCommit(false);
                rename(connection);
            }
            one.commit();
            Cluster.loses(other);
        }
    }

    private static ResultSet open(Connection connection) throws Exception {
        return connection.createStatement(ResultSet.TYPE_SCROLL_INSENSITIVE, ResultSet.CONCUR_UPDATABLE)
            .executeQuery(QUERY);
    }

    private static void change(Connection connection) throws Exception {
        try (var result = open(connection)) {
            result.next();
            result.updateString("name", "A");
            result.updateRow();
            result.next();
            result.deleteRow();
            result.moveToInsertRow();
            result.updateInt("id", 3);
            result.updateString("name", "c");
            result.insertRow();
        }
    }

    private static void rename(Connection connection) throws Exception {
        try (var result = open(connection)) {
            result.next();
            result.updateString("name", "again");
            result.updateRow();
        }
    }
}
