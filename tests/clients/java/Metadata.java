import java.sql.ResultSetMetaData;
import java.util.List;

/** What the driver tells of tables, columns, keys and indexes, and of a result's columns. */
public final class Metadata {
    public static void main(String[] arguments) throws Exception {
        try (var connection = Cluster.connect()) {
            Cluster.execute(connection,
                "CREATE TABLE metadata (id bigint PRIMARY KEY, name varchar(30) NOT NULL, price numeric(8, 2), at timestamptz)",
                "CREATE INDEX ASYNC metadata_name ON metadata (name)");
            tables(connection.getMetaData());
            try (var statement = connection.createStatement();
                 var result = statement.executeQuery("SELECT m.id AS key, m.name, m.price * 2 AS twice FROM metadata m")) {
                columns(result.getMetaData());
            }
            conflict(connection);
        }
    }

    private static void tables(java.sql.DatabaseMetaData metadata) throws Exception {
        Cluster.same("PostgreSQL", metadata.getDatabaseProductName());
        try (var found = metadata.getTables(null, "public", "metadata", new String[] {"TABLE", "VIEW"})) {
            Cluster.same(List.of("metadata"), Cluster.rows(found).stream().map(row -> row.get(2)).toList());
        }
        try (var found = metadata.getColumns(null, null, "metadata", null)) {
            var columns = Cluster.rows(found).stream().map(row -> List.of(row.get(3), row.get(5), row.get(17))).toList();
            Cluster.same(List.of(
                List.of("id", "int8", "NO"), List.of("name", "varchar", "NO"),
                List.of("price", "numeric", "YES"), List.of("at", "timestamptz", "YES")), columns);
        }
        try (var found = metadata.getPrimaryKeys(null, null, "metadata")) {
            Cluster.same(List.of("id"), Cluster.rows(found).stream().map(row -> row.get(3)).toList());
        }
    }

    private static void columns(ResultSetMetaData columns) throws Exception {
        Cluster.same(List.of("key", "name", "twice"),
            List.of(columns.getColumnLabel(1), columns.getColumnLabel(2), columns.getColumnLabel(3)));
        Cluster.same(List.of("metadata", "metadata", ""),
            List.of(columns.getTableName(1), columns.getTableName(2), columns.getTableName(3)));
        Cluster.same(List.of(ResultSetMetaData.columnNoNulls, ResultSetMetaData.columnNoNulls,
            ResultSetMetaData.columnNullableUnknown),
            List.of(columns.isNullable(1), columns.isNullable(2), columns.isNullable(3)));
        Cluster.same(30, columns.getPrecision(2));
        Cluster.same(List.of("int8", "varchar", "numeric"),
            List.of(columns.getColumnTypeName(1), columns.getColumnTypeName(2), columns.getColumnTypeName(3)));
    }

    private static void conflict(java.sql.Connection one) throws Exception {
        Cluster.execute(one, "INSERT INTO metadata VALUES (1, 'a', 1, NULL)");
        try (var other = Cluster.connect()) {
            for (var connection : List.of(one, other)) {
                connection.setAutoCommit(false);
                Cluster.execute(connection, "UPDATE metadata SET price = price + 1 WHERE id = 1");
            }
            one.commit();
            Cluster.loses(other);
        }
    }
}
