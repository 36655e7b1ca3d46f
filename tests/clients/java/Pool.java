import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import java.sql.SQLException;
import java.util.List;
import java.util.concurrent.Callable;

/** HikariCP: connections that one thread makes a table by and others use, and a transfer that is run again. */
public final class Pool {
    public static void main(String[] arguments) throws Exception {
        var config = new HikariConfig();
        config.setJdbcUrl(Cluster.URL);
        config.setDataSourceProperties(Cluster.properties());
        config.setMaximumPoolSize(5);
        config.setMaxLifetime(55 * 60 * 1000);
        config.setAutoCommit(false);
        try (var pool = new HikariDataSource(config)) {
            try (var one = pool.getConnection()) {
                Cluster.execute(one, "CREATE TABLE pool (id int PRIMARY KEY, n int NOT NULL)");
                one.commit();
                Cluster.execute(one, "INSERT INTO pool VALUES (1, 0)");
                one.commit();
            }
            var attempts = new int[1];
            again(() -> {
                attempts[0]++;
                try (var one = pool.getConnection(); var other = pool.getConnection()) {
                    Cluster.execute(one, "UPDATE pool SET n = n + 1 WHERE id = 1");
                    if (attempts[0] == 1) {
                        Cluster.execute(other, "UPDATE pool SET n = n + 10 WHERE id = 1");
                        other.commit();
                    }
                    one.commit();
                }
                return null;
            });
            Cluster.same(2, attempts[0]);
            try (var one = pool.getConnection()) {
                Cluster.same(List.of(List.of("11")), Cluster.rows(one, "SELECT n FROM pool"));
            }
        }
    }

    private static void again(Callable<Void> transaction) throws Exception {
        for (int left = 5; ; left--) {
            try {
                transaction.call();
                return;
            } catch (SQLException lost) {
                if (!"40001".equals(lost.getSQLState()) || left == 0) {
                    throw lost;
                }
            }
        }
    }
}
