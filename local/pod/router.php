<?php
// One OpenEMR pod, as far as credentials go: every request requires sqlconf.php, logs in with what it says,
// over verified TLS, and reads from the schema. Like OpenEMR it answers a failed login with text and
// HTTP 200, so a 200 alone proves nothing; only the readiness probe tells by its status.

declare(strict_types=1);

const LOGIN_PAGE = '/interface/login/login.php';

/** What OpenEMR reads the same way: the variables of the file that its installer wrote. */
function credential(): array
{
    require getenv('SITES_DIR') . '/default/sqlconf.php';
    return compact('host', 'port', 'login', 'pass', 'dbase');
}

/** The name of the clinic: from a new session, so that it proves this very login. */
function facility(array $credential): string
{
    mysqli_report(MYSQLI_REPORT_ERROR | MYSQLI_REPORT_STRICT);
    $session = mysqli_init();
    $session->options(MYSQLI_OPT_CONNECT_TIMEOUT, 5);
    $session->options(MYSQLI_OPT_SSL_VERIFY_SERVER_CERT, true);
    $session->ssl_set(null, null, getenv('MYSQL_CA'), null, null);
    $session->real_connect(
        $credential['host'],
        $credential['login'],
        $credential['pass'],
        $credential['dbase'],
        (int) $credential['port'],
        null,
        MYSQLI_CLIENT_SSL
    );
    $name = $session->query('SELECT name FROM facility ORDER BY id LIMIT 1')->fetch_row()[0];
    $session->close();
    return $name;
}

function answer(int $status, string $body): void
{
    http_response_code($status);
    echo "<!DOCTYPE html>\n<html><head><title>OpenEMR</title></head><body>$body</body></html>\n";
}

header('X-Pod: ' . getenv('POD_NAME'));
header('X-Environment-User: ' . getenv('MYSQL_USER'));
header('Cache-Control: no-store');

$path = parse_url($_SERVER['REQUEST_URI'], PHP_URL_PATH);
if ($path !== LOGIN_PAGE && $path !== '/healthz') {
    answer(404, '<h1>Not Found</h1>');
    return true;
}

$credential = credential();
header('X-Database-User: ' . $credential['login']);
try {
    $facility = htmlspecialchars(facility($credential));
    answer(200, "<h1>OpenEMR Login</h1><p>$facility</p><form method=\"post\"></form>");
} catch (mysqli_sql_exception $error) {
    $host = htmlspecialchars($credential['host']);
    $text = htmlspecialchars($error->getMessage());
    answer(
        $path === '/healthz' ? 503 : 200,
        "Check that you can ping the server $host.<p>ERROR: Could not connect to server!<p>$text"
    );
}
return true;
