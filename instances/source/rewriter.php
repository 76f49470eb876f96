<?php
/*
 * Looks which version of the application's secret wp-config.php holds, or writes one into it. Run by wp-config.sh.
 *
 * php -r CODE -- ACTION SECRET-ARN VERSION-ID CANDIDATES PATH PAGE MARKER OWNER MODE 3>answer
 *
 * The answer is one line of JSON on descriptor 3. No value of the secret is ever in it, in an argument, in the environment, or in
 * a file other than wp-config.php and the one beside it that replaces it. Runs on PHP 7.4 and later.
 */

final class Refused extends Exception
{
    public $reason;

    public function __construct(string $reason, string $detail)
    {
        parent::__construct($detail);
        $this->reason = $reason;
    }
}

final class Token
{
    public $id, $text, $at, $line;

    public function __construct($id, string $text, int $at, int $line)
    {
        [$this->id, $this->text, $this->at, $this->line] = [$id, $text, $at, $line];
    }

    public function is(...$kinds): bool
    {
        return in_array($this->id, $kinds, true);
    }
}

/** The define()s of a wp-config.php. Whatever could make PHP read another value than the one that is seen here is refused. */
final class Defines
{
    private const NAMES = ['DB_NAME', 'DB_USER', 'DB_PASSWORD', 'DB_HOST'];
    private const IGNORED = [T_WHITESPACE, T_COMMENT, T_DOC_COMMENT, T_INLINE_HTML];
    private const STARTS = [';', '{', '}', T_OPEN_TAG, T_CLOSE_TAG];
    private const INCLUDES = [T_INCLUDE, T_INCLUDE_ONCE, T_REQUIRE, T_REQUIRE_ONCE];
    private const ENDS = [T_ENDIF, T_ENDWHILE, T_ENDFOR, T_ENDFOREACH, T_ENDSWITCH, T_ENDDECLARE];

    private $content;
    private $tokens = [];
    private $depth = 0;
    private $found = [];
    /** What comes before a define() and may make it void: [line, what it is]. */
    private $before = [];
    private $literals = [];

    public function __construct(string $content)
    {
        $this->content = $content;
        $this->tokens = self::significant($content);
        foreach ($this->tokens as $index => $token) {
            $this->depth += $this->deeper($index, $token);
            $this->see($index, $token);
        }
        foreach (['DB_USER', 'DB_PASSWORD'] as $name) {
            $this->literals[$name] = $this->only($name);
        }
    }

    /** The value of one of the four; null where it is no plain text, which only DB_NAME and DB_HOST may be. */
    public function value(string $name): ?string
    {
        $token = $this->literals[$name] ?? $this->plain($name);
        return $token ? self::unquoted($token) : null;
    }

    public function line(string $name): int
    {
        return $this->found[$name][0]['line'];
    }

    public function rendered(array $values): string
    {
        $content = $this->content;
        $literals = $this->literals;
        uasort($literals, static function ($one, $other) { return $other->at - $one->at; });
        foreach ($literals as $name => $token) {
            $content = substr_replace($content, self::quoted($values[$name], $token->text), $token->at, strlen($token->text));
        }
        return $content;
    }

    private static function significant(string $content): array
    {
        [$tokens, $at, $line] = [[], 0, 1];
        foreach (token_get_all($content) as $one) {
            [$id, $text] = is_array($one) ? $one : [$one, $one];
            if (!in_array($id, self::IGNORED, true)) {
                $tokens[] = new Token($id, $text, $at, $line);
            }
            $at += strlen($text);
            $line += preg_match_all('/\r\n|\n|\r/', $text);
        }
        if ($at !== strlen($content)) {
            throw new Refused('WpConfigUnsupported', 'wp-config.php cannot be split into tokens: look at it with php -l');
        }
        return $tokens;
    }

    private function at(int $index): Token
    {
        return $this->tokens[$index] ?? new Token('', '', 0, 0);
    }

    /** How much deeper a token leads into blocks, with braces or with a colon. */
    private function deeper(int $index, Token $token): int
    {
        if ($token->is('{', T_CURLY_OPEN, T_DOLLAR_OPEN_CURLY_BRACES)) {
            return 1;
        }
        if ($token->is('}', ...self::ENDS)) {
            return -1;
        }
        $opens = $token->is(T_IF, T_WHILE, T_FOR, T_FOREACH, T_SWITCH, T_DECLARE) && $this->at($index + 1)->is('(');
        return $opens && $this->at($this->closing($index + 1))->is(':') ? 1 : 0;
    }

    /** The index after the parenthesis that closes the one at that index. */
    private function closing(int $index): int
    {
        $open = 0;
        do {
            $open += (int) $this->at($index)->is('(') - (int) $this->at($index)->is(')');
            $index++;
        } while ($open > 0 && $index < count($this->tokens));
        return $index;
    }

    private function see(int $index, Token $token): void
    {
        $start = $this->at($index - 1)->is(...self::STARTS);
        if ($token->is(...self::INCLUDES)) {
            $this->before[] = [$token->line, 'includes another file'];
        } elseif ($token->is(T_EVAL)) {
            $this->before[] = [$token->line, 'evaluates code'];
        } elseif ($token->is(T_GOTO) || ($start && $this->depth === 0 && $token->is(T_RETURN, T_EXIT, T_THROW, T_HALT_COMPILER))) {
            $this->before[] = [$token->line, 'ends or leaves the file'];
        } elseif ($token->is(T_CONST) && in_array($this->at($index + 1)->text, self::NAMES, true)) {
            $this->found[$this->at($index + 1)->text][] = $this->definition($token, 'is a const', null);
        } elseif ($this->calls($index, 'define')) {
            $this->seeDefine($index);
        }
    }

    /** Whether a call of that global function begins there. */
    private function calls(int $index, string $function): bool
    {
        $token = $this->at($index);
        if (strtolower(ltrim($token->text, '\\')) !== $function || !$this->at($index + 1)->is('(') || $token->is(T_CONSTANT_ENCAPSED_STRING)) {
            return false;
        }
        $last = $this->at($index - 1);
        $method = $last->is(T_OBJECT_OPERATOR, T_DOUBLE_COLON, T_FUNCTION, T_NEW) || $last->text === '?->';
        return !$method && !($last->is(T_NS_SEPARATOR) && $this->at($index - 2)->is(T_STRING));
    }

    private function seeDefine(int $index): void
    {
        [$token, $name, $value] = [$this->at($index), $this->at($index + 2), $this->at($index + 4)];
        if (!$name->is(T_CONSTANT_ENCAPSED_STRING) || !$this->at($index + 3)->is(',')) {
            $this->before[] = [$token->line, 'defines a name that is computed'];
            return;
        }
        $named = self::unquoted($name);
        if (!in_array($named, self::NAMES, true)) {
            return;
        }
        $last = $this->at($index - 1);
        $last = $last->is(T_NS_SEPARATOR) ? $this->at($index - 2) : $last;
        $problem = null;
        if ($this->depth > 0 || !$last->is(...self::STARTS)) {
            $problem = 'is defined under a condition, or inside of a block';
        } elseif (!$value->is(T_CONSTANT_ENCAPSED_STRING) || !$this->endsAfter($index + 5)) {
            $problem = $this->instead($index + 4);
        }
        $this->found[$named][] = $this->definition($token, $problem, $value);
    }

    private function definition(Token $token, ?string $problem, ?Token $value): array
    {
        return ['line' => $token->line, 'problem' => $problem, 'value' => $value, 'before' => $this->before[0] ?? null];
    }

    /** Whether nothing but a third argument or a comma stands between there and the end of the statement. */
    private function endsAfter(int $index): bool
    {
        if ($this->at($index)->is(',')) {
            $index += $this->at($index + 1)->is(T_STRING, T_LNUMBER) ? 2 : 1;
        }
        return $this->at($index)->is(')') && $this->at($index + 1)->is(';', T_CLOSE_TAG);
    }

    /** What stands where a plain text is looked for. */
    private function instead(int $index): string
    {
        [$value, $next] = [$this->at($index), $this->at($index + 1)];
        if ($this->calls($index, 'getenv') || $this->calls($index, 'env') || in_array($value->text, ['$_ENV', '$_SERVER'], true)) {
            return 'comes from the environment';
        }
        if ($value->is(T_CONSTANT_ENCAPSED_STRING) && $next->is('.')) {
            return 'is joined from several texts';
        }
        $known = [T_VARIABLE => 'comes from a variable', T_START_HEREDOC => 'is a heredoc', '"' => 'has a variable in it'];
        return $known[$value->id] ?? ($next->is('(') ? 'comes from a function' : 'comes from a constant or an expression');
    }

    private function only(string $name): Token
    {
        $found = $this->found[$name] ?? [];
        if (!$found) {
            throw new Refused('WpConfigUnsupported', $this->missing($name));
        }
        if (count($found) > 1) {
            $lines = implode(' and ', array_column($found, 'line'));
            throw new Refused('WpConfigUnsupported', "lines $lines: $name is defined more than once; leave one");
        }
        [$line, $problem, $before] = [$found[0]['line'], $found[0]['problem'], $found[0]['before']];
        if ($problem) {
            $way = "write it as a statement of its own, define( '$name', '...' ), with the value as plain text";
            throw new Refused('WpConfigUnsupported', "line $line: $name $problem; $way");
        }
        if ($before) {
            $way = "which could decide about $name (line $line) first; move the define() above it";
            throw new Refused('WpConfigUnsupported', "line $before[0]: the file $before[1], $way");
        }
        return $found[0]['value'];
    }

    private function missing(string $name): string
    {
        if (preg_match('~config/application\.php~', $this->content)) {
            return "this is Bedrock, whose .env is not supported: write define( '$name', '...' ) with the value as plain text in"
                . ' config/application.php, in place of Config::define(), and give that file as the path';
        }
        $way = "write define( '$name', '...' ) with the value as plain text";
        foreach ($this->before as [$line, $what]) {
            return "$name is not defined here, and line $line $what; $way, or give the file that has it as the path";
        }
        return "$name is not defined; $way";
    }

    private function plain(string $name): ?Token
    {
        $found = $this->found[$name] ?? [];
        return count($found) === 1 && !$found[0]['problem'] ? $found[0]['value'] : null;
    }

    /** A plain text has nothing in it to run: PHP's own reading is the only one that counts. */
    private static function unquoted(Token $token): string
    {
        return eval("return $token->text;");
    }

    private static function quoted(string $value, string $like): string
    {
        $start = strcspn($like, '\'"') + 1; // b'...' is a text too
        $quote = $like[$start - 1];
        return substr($like, 0, $start) . addcslashes($value, $quote === "'" ? "'\\" : '"\\$') . $quote;
    }
}

/** wp-config.php in the file system: replaced as a whole, nothing left beside it. */
final class WpConfig
{
    private const PREFIX = '.wp-config.rotation-';
    private $path, $real, $status, $content;
    /** When the new file came into its place; its own time is that of when it was begun. */
    private $renamed = null;

    public function __construct(string $path)
    {
        $this->path = $path;
        $this->real = @realpath($path);
        if ($this->real === false || !is_file($this->real)) {
            throw new Refused('WpConfigMissing', "$path does not exist or is no file; give the path of wp-config.php");
        }
        $this->sweep();
        [$this->status, $this->content] = [$this->stat(), @file_get_contents($this->real)];
        if ($this->content === false) {
            throw new Refused('WpConfigReadOnly', "$path cannot be read; let the agent run as root");
        }
    }

    public function read(): Defines
    {
        $defines = new Defines($this->content);
        $this->refuseHyperDb();
        $this->refuseUnread();
        if (!self::parses($this->real)) {
            throw new Refused('WpConfigUnsupported', "$this->path is no valid PHP; look at it with php -l");
        }
        return $defines;
    }

    public function age(): int
    {
        return time() - ($this->renamed ?? $this->stat()['mtime']);
    }

    public function replace(Defines $defines, array $values): void
    {
        if ($this->status['nlink'] > 1) {
            throw new Refused('WpConfigUnsupported', "$this->path has more than one name (hard links); leave one, or link by ln -s");
        }
        $rendered = $defines->rendered($values);
        $temporary = dirname($this->real) . '/' . self::PREFIX . bin2hex(random_bytes(8)) . '.php';
        try {
            $this->fill($temporary, $rendered);
            $this->judge($temporary, $rendered, $values);
            $this->own($temporary);
            $this->rename($temporary);
            $this->renamed = time();
        } finally {
            if (file_exists($temporary)) {
                @unlink($temporary);
            }
        }
        run(['sync', dirname($this->real)]);
        $this->content = $rendered;
    }

    /** Whether anything had to change. The content is not looked at. */
    public function give(string $owner, string $mode): bool
    {
        [$user, $group] = array_map('intval', explode(':', $owner) + ['', '']);
        $wanted = ['uid' => $user, 'gid' => $group, 'mode' => intval($mode, 8)];
        if ($this->owned() === $wanted) {
            return false;
        }
        if (!@chown($this->real, $user) || !@chgrp($this->real, $group) || !@chmod($this->real, $wanted['mode']) || $this->owned() !== $wanted) {
            throw new Refused('WpConfigReadOnly', "$this->path cannot be given the owner $owner and the mode $mode; let the agent run as root");
        }
        return true;
    }

    private function owned(): array
    {
        $status = $this->stat();
        return ['uid' => $status['uid'], 'gid' => $status['gid'], 'mode' => $status['mode'] & 07777];
    }

    /** What a run that died left: it holds a password. */
    private function sweep(): void
    {
        $folder = dirname($this->real);
        foreach (@scandir($folder) ?: [] as $name) {
            if (strncmp($name, self::PREFIX, strlen(self::PREFIX)) === 0) {
                @unlink("$folder/$name");
            }
        }
    }

    private function stat(): array
    {
        clearstatcache();
        return stat($this->real);
    }

    private function fill(string $temporary, string $content): void
    {
        umask(0077);
        $file = @fopen($temporary, 'x') ?: $this->fail('no file can be made beside it');
        $written = @fwrite($file, $content);
        $kept = $written === strlen($content) && fflush($file) && (!function_exists('fsync') || @fsync($file));
        fclose($file);
        if (!$kept || (!function_exists('fsync') && run(['sync', $temporary])[0] !== 0)) {
            $this->fail('the new file cannot be written');
        }
    }

    private function judge(string $temporary, string $rendered, array $values): void
    {
        $there = @file_get_contents($temporary);
        $read = new Defines($rendered);
        foreach ($values as $name => $value) {
            if ($there !== $rendered || $read->value($name) !== $value || !self::parses($temporary)) {
                throw new Refused('WpConfigUnsupported', "$this->path would not read back as it was to be written; nothing was changed");
            }
        }
    }

    /** Access lists too, but not the time: opcache goes by it. */
    private function own(string $temporary): void
    {
        run(['cp', '--attributes-only', '--preserve=mode,ownership', '--', $this->real, $temporary]);
        clearstatcache();
        $now = stat($temporary);
        foreach (['uid', 'gid', 'mode'] as $what) {
            if ($now[$what] !== $this->status[$what]) {
                throw new Refused('WpConfigReadOnly', "$this->path: its owner and mode cannot be kept; let the agent run as root");
            }
        }
    }

    private function rename(string $temporary): void
    {
        $now = $this->stat();
        foreach (['ino', 'size', 'mtime'] as $what) {
            if ($now[$what] !== $this->status[$what]) {
                throw new Refused('WpConfigUnsupported', "$this->path was changed by somebody else at the same moment; run it again");
            }
        }
        if (!@rename($temporary, $this->real)) {
            $this->fail('it cannot be replaced');
        }
    }

    private function fail(string $what): void
    {
        $said = error_get_last()['message'] ?? '';
        if (preg_match('/errno=(28|122)\b|No space left|quota/i', $said)) {
            throw new Refused('DiskFull', "$this->path: $what, since the disk is full; make room");
        }
        $way = 'look whether its file system is mounted read-only, and whether chattr made it immutable';
        throw new Refused('WpConfigReadOnly', "$this->path: $what; $way");
    }

    /** PHP's own opinion. What it says could quote the file, so nobody hears it. */
    private static function parses(string $file): bool
    {
        return run([PHP_BINARY, '-n', '-d', 'display_errors=0', '-d', 'log_errors=0', '-l', $file])[0] === 0;
    }

    /** WordPress takes the file beside its wp-load.php; only where there is none, the one in the folder above. */
    private function refuseUnread(): void
    {
        $folder = dirname($this->path);
        $read = null;
        foreach (file_exists("$folder/wp-load.php") ? [] : (glob("$folder/*/wp-load.php") ?: []) as $load) {
            $own = dirname($load) . '/wp-config.php';
            if (!file_exists($own) || realpath($own) === $this->real) {
                return;
            }
            $read = $own;
        }
        if ($read !== null) {
            $way = 'give that one as the path, or remove it if it is not meant';
            throw new Refused('WpConfigUnsupported', "there are two files: WordPress reads $read in place of $this->path; $way");
        }
    }

    /** Its logins may be others than the constants. */
    private function refuseHyperDb(): void
    {
        if (preg_match('/[\'"]DB_CONFIG_FILE[\'"]/', $this->content)) {
            throw new Refused('WpConfigUnsupported', 'HyperDB with DB_CONFIG_FILE is not supported; let db-config.php lie beside wp-config.php');
        }
        foreach (array_unique([dirname($this->path), dirname($this->real)]) as $folder) {
            $content = (string) @file_get_contents("$folder/db-config.php");
            preg_match_all('/^.*?[\'"](?:user|password)[\'"]\s*=>\s*+(?!DB_USER\b|DB_PASSWORD\b).*$/m', $content, $own, PREG_OFFSET_CAPTURE);
            foreach ($own[0] as [, $at]) {
                $line = 1 + substr_count($content, "\n", 0, $at);
                $way = "write 'user' => DB_USER, 'password' => DB_PASSWORD";
                throw new Refused('WpConfigUnsupported', "$folder/db-config.php, line $line: HyperDB has a login of its own; $way");
            }
        }
    }
}

/** The secret, read as the instance's own role: with the aws CLI where there is one, else with curl. */
final class Secret
{
    private $arn, $region, $domain;
    private $role = null;

    public function __construct(string $arn)
    {
        [, $partition, , $this->region] = explode(':', $arn) + ['', '', '', ''];
        [$this->arn, $this->domain] = [$arn, $partition === 'aws-cn' ? 'amazonaws.com.cn' : 'amazonaws.com'];
    }

    /** An empty version is the current one. Answers its id, and its fields. */
    public function version(string $version): array
    {
        [$answer, $code] = $this->byCli($version);
        if ($answer === null && $code === '') {
            [$answer, $code] = $this->byCurl($version);
        }
        if ($answer === null) {
            throw new Refused('SecretUnreadable', self::told($version, $code));
        }
        $fields = json_decode($answer['SecretString'] ?? '', true);
        if (!is_string($fields['username'] ?? null) || !is_string($fields['password'] ?? null)) {
            throw new Refused('SecretUnreadable', self::named($version) . ' has no username and password; it is another secret than the application\'s');
        }
        return [$answer['VersionId'], $fields];
    }

    private static function named(string $version): string
    {
        return $version === '' ? 'the secret\'s current version' : "version $version of the secret";
    }

    private static function told(string $version, string $code): string
    {
        if ($code === 'ResourceNotFoundException') {
            return self::named($version) . ' does not exist; look at its versions, and at the ARN';
        }
        $way = 'look at the instance\'s role (secretsmanager:GetSecretValue, and kms:Decrypt on the secret\'s key) and at its way to AWS';
        return self::named($version) . " cannot be read ($code); $way";
    }

    private function byCli(string $version): array
    {
        if (!on_path('aws')) {
            return [null, ''];
        }
        $own = ['AWS_CONFIG_FILE' => '/dev/null', 'AWS_SHARED_CREDENTIALS_FILE' => '/dev/null', 'AWS_PAGER' => '', 'AWS_CLI_AUTO_PROMPT' => 'off'];
        $not = ['AWS_PROFILE' => 1, 'AWS_DEFAULT_PROFILE' => 1, 'AWS_ACCESS_KEY_ID' => 1, 'AWS_SECRET_ACCESS_KEY' => 1, 'AWS_SESSION_TOKEN' => 1];
        $which = $version === '' ? ['--version-stage', 'AWSCURRENT'] : ['--version-id', $version];
        $command = ['aws', 'secretsmanager', 'get-secret-value', '--secret-id', $this->arn, '--region', $this->region, '--output', 'json'];
        $patience = ['--cli-connect-timeout', '5', '--cli-read-timeout', '10'];
        [$status, $said, $error] = run(array_merge($command, $which, $patience), '', $own + array_diff_key(getenv(), $not));
        $answer = $status === 0 ? json_decode($said, true) : null;
        preg_match('/\((\w+)\) when calling/', $error, $code);
        return [$answer, $answer === null ? $code[1] ?? '' : ''];
    }

    private function byCurl(string $version): array
    {
        if (!on_path('curl')) {
            return [null, 'neither aws nor curl is installed'];
        }
        $this->role = $this->role ?? self::role();
        if ($this->role === null) {
            return [null, 'no credentials: the instance has no role, or its metadata service does not answer'];
        }
        $which = $version === '' ? ['VersionStage' => 'AWSCURRENT'] : ['VersionId' => $version];
        $body = json_encode(['SecretId' => $this->arn] + $which, JSON_UNESCAPED_SLASHES);
        $url = getenv('AWS_ENDPOINT_URL_SECRETS_MANAGER') ?: "https://secretsmanager.$this->region.$this->domain";
        $headers = signed($url, $this->region, $body, $this->role, gmdate('Ymd\THis\Z'));
        [$status, $said] = http('POST', "$url/", $headers, $body);
        $answer = json_decode($said, true);
        $type = preg_replace('/^.*#/', '', $answer['__type'] ?? '');
        return $status === 200 ? [$answer, ''] : [null, $type ?: ($status ? "HTTP $status" : 'no answer')];
    }

    private static function role(): ?array
    {
        $url = (getenv('AWS_EC2_METADATA_SERVICE_ENDPOINT') ?: 'http://169.254.169.254') . '/latest';
        $direct = ['noproxy = "*"'];
        [$status, $token] = http('PUT', "$url/api/token", ['X-aws-ec2-metadata-token-ttl-seconds' => '60'], '', $direct);
        $header = ['X-aws-ec2-metadata-token' => $token];
        $roles = "$url/meta-data/iam/security-credentials/";
        [$listed, $name] = $status === 200 ? http('GET', $roles, $header, '', $direct) : [0, ''];
        [$given, $said] = $listed === 200 ? http('GET', $roles . trim($name), $header, '', $direct) : [0, ''];
        return $given === 200 ? json_decode($said, true) : null;
    }
}

/** AWS's signature, version 4: curl makes it only from 7.75 on, and signs the session's token only from 7.87 on. */
function signed(string $url, string $region, string $body, array $role, string $now): array
{
    $headers = [
        'content-type' => 'application/x-amz-json-1.1',
        'host' => parse_url($url, PHP_URL_HOST) . (($port = parse_url($url, PHP_URL_PORT)) ? ":$port" : ''),
        'x-amz-date' => $now,
        'x-amz-security-token' => $role['Token'],
        'x-amz-target' => 'secretsmanager.GetSecretValue',
    ];
    $lines = '';
    foreach ($headers as $name => $value) {
        $lines .= "$name:$value\n";
    }
    $names = implode(';', array_keys($headers));
    $scope = substr($now, 0, 8) . "/$region/secretsmanager/aws4_request";
    $request = hash('sha256', "POST\n/\n\n$lines\n$names\n" . hash('sha256', $body));
    $key = 'AWS4' . $role['SecretAccessKey'];
    foreach (explode('/', $scope) as $part) {
        $key = hash_hmac('sha256', $part, $key, true);
    }
    $signature = hash_hmac('sha256', "AWS4-HMAC-SHA256\n$now\n$scope\n$request", $key);
    return $headers + ['authorization' => "AWS4-HMAC-SHA256 Credential=$role[AccessKeyId]/$scope, SignedHeaders=$names, Signature=$signature"];
}

/** By curl, which reads everything from its standard input: arguments are for everybody to see. Answers the status, 0 if none came. */
function http(string $method, string $url, array $headers, string $body = '', array $more = []): array
{
    $given = ["request = $method", 'url = ' . for_curl($url), 'silent', 'globoff', 'max-time = 20', 'connect-timeout = 5', 'write-out = "\n%{http_code}"'];
    foreach ($headers as $name => $value) {
        $given[] = 'header = ' . for_curl("$name: $value");
    }
    if ($body !== '') {
        $given[] = 'data-binary = ' . for_curl($body);
    }
    [, $said] = run(['curl', '-q', '--config', '-'], implode("\n", array_merge($given, $more)) . "\n");
    $end = (int) strrpos($said, "\n");
    return [(int) substr($said, $end + 1), substr($said, 0, $end)];
}

function for_curl(string $text): string
{
    return '"' . addcslashes($text, '"\\') . '"';
}

/** Its status, and what it said on its two outputs. */
function run(array $command, string $input = '', ?array $environment = null): array
{
    $process = @proc_open($command, [['pipe', 'r'], ['pipe', 'w'], ['pipe', 'w'], ['file', '/dev/null', 'w']], $pipes, null, $environment);
    if (!is_resource($process)) {
        return [127, '', ''];
    }
    @fwrite($pipes[0], $input);
    fclose($pipes[0]);
    [$output, $error] = [stream_get_contents($pipes[1]), stream_get_contents($pipes[2])];
    return [proc_close($process), $output, $error];
}

function on_path(string $program): bool
{
    foreach (explode(':', (string) getenv('PATH')) as $folder) {
        if (is_file("$folder/$program") && is_executable("$folder/$program")) {
            return true;
        }
    }
    return false;
}

/** The file is that of the application whose secret this is. What either does not say is not compared. */
function check_place(Defines $defines, array $fields): void
{
    $host = $defines->value('DB_HOST');
    $host = $host === null ? null : preg_replace('/^p:/', '', $host);
    $socket = $host !== null && preg_match('~:?/~', $host);
    preg_match('/^\[?([^\[\]]*?)\]?(?::(\d+))?$/', (string) $host, $parts);
    $pairs = [
        ['DB_NAME', $defines->value('DB_NAME'), $fields['dbname'] ?? null, 'dbname'],
        ['DB_HOST', $socket ? null : ($parts[1] ?? null), $fields['host'] ?? null, 'host'],
        ['DB_HOST', $socket ? null : ($parts[2] ?? '3306'), isset($fields['port']) ? (string) $fields['port'] : null, 'port'],
    ];
    foreach ($pairs as [$name, $here, $there, $key]) {
        $compared = $here !== null && $there !== null && $defines->value($name) !== null;
        if ($compared && strcasecmp(rtrim($here, '.'), rtrim($there, '.')) !== 0) {
            $way = 'if it is the same database, write the same into both, or take the key out of the secret';
            throw new Refused('WpConfigUnsupported', 'line ' . $defines->line($name) . ": $name is another than the secret's $key; $way");
        }
    }
}

/** opcache looks at a file every two seconds if nobody says otherwise: what the page says sooner is of the file before. */
const NOTICED_AFTER = 3;

/** Null if the page is well, else what is wrong with it. The connection goes to this machine, whatever the address says. */
function wrong_page(string $page, string $marker): ?string
{
    $more = ['connect-to = "::127.0.0.1:"', 'noproxy = "*"', 'insecure'];
    [$status, $said] = on_path('curl') ? http('GET', $page, [], '', $more) : [0, ''];
    if ($status === 0) {
        return on_path('curl') ? 'does not answer; look at the web server' : 'cannot be asked; install curl';
    }
    if ($marker !== '' && strpos($said, $marker) === false) {
        return "answers $status without the marker; look at the database's log and at the page";
    }
    if ($status >= 500) {
        return "answers $status; look at the page";
    }
    return $marker === '' && $status !== 200 ? "answers $status; look at the page, or give one that answers 200" : null;
}

/** Which of those versions the file holds, and what kept us from knowing. */
function held(Defines $defines, Secret $secret, array $versions): array
{
    $refused = null;
    foreach ($versions as $place => $version) {
        try {
            [$id, $fields] = $secret->version($version);
            if ($fields['username'] === $defines->value('DB_USER') && $fields['password'] === $defines->value('DB_PASSWORD')) {
                return [$id, $refused];
            }
        } catch (Refused $error) {
            $refused = $refused ?? ($place === 0 || strpos($error->getMessage(), 'does not exist') === false ? $error : null);
        }
    }
    return [$refused ? 'unreadable' : 'other', $refused];
}

/** Changes the answer as it gets on, so that what is known when it fails is told. */
function act(array &$answer, string $action, Secret $secret, string &$version, array $candidates, WpConfig $file): void
{
    $defines = $file->read();
    $answer['file'] = 'unchanged';
    if ($action === 'look') {
        [$answer['holds'], $refused] = held($defines, $secret, array_merge([$version], $candidates));
        if ($refused) {
            throw $refused;
        }
        return;
    }
    try {
        [$version, $fields] = $secret->version($version);
        $values = ['DB_USER' => $fields['username'], 'DB_PASSWORD' => $fields['password']];
        if ($defines->value('DB_USER') !== $values['DB_USER'] || $defines->value('DB_PASSWORD') !== $values['DB_PASSWORD']) {
            check_place($defines, $fields);
            $file->replace($defines, $values);
            $answer['file'] = 'written';
        }
        $answer['holds'] = $version;
    } catch (Refused $refused) {
        $answer['file'] = 'refused';
        $answer['holds'] = held($defines, $secret, array_merge([$version], $candidates))[0];
        throw $refused;
    }
}

function main(
    string $action, string $arn, string $version, string $candidates, string $path, string $page, string $marker, string $owner, string $mode
): int {
    $answer = ['file' => 'refused', 'holds' => 'unreadable', 'page' => 'not asked', 'reason' => '', 'detail' => ''];
    $file = null;
    try {
        if (!function_exists('token_get_all')) {
            throw new Refused('PhpMissing', 'this PHP has no tokenizer; install the extension (php-tokenizer, php-common)');
        }
        $file = new WpConfig($path);
        if ($action === 'own') {
            $answer['file'] = $file->give($owner, $mode) ? 'written' : 'unchanged';
        } else {
            act($answer, $action, new Secret($arn), $version, array_filter(explode(',', $candidates), 'strlen'), $file);
        }
    } catch (Refused $refused) {
        [$answer['reason'], $answer['detail']] = [$refused->reason, $refused->getMessage()];
    } catch (Throwable $error) {
        $answer['file'] = 'unknown';
        $told = get_class($error) . ' at line ' . $error->getLine() . ' of the rewriter';
        [$answer['reason'], $answer['detail']] = ['WpConfigUnsupported', "$path cannot be handled ($told); report it"];
    }
    if ($page !== '') {
        sleep($file ? max(0, min(NOTICED_AFTER, NOTICED_AFTER - $file->age())) : 0);
        $wrong = wrong_page($page, $marker);
        $answer['page'] = $wrong === null ? 'well' : 'bad';
        if ($wrong !== null && $answer['reason'] === '') {
            [$answer['reason'], $answer['detail']] = ['PageBad', "$page $wrong"];
        }
    }
    $line = json_encode($answer, JSON_UNESCAPED_SLASHES | JSON_INVALID_UTF8_SUBSTITUTE) . "\n";
    fwrite(fopen('php://fd/3', 'w'), $line);
    $done = $action === 'own' ? $answer['reason'] === '' : $answer['holds'] === $version && $answer['page'] !== 'bad';
    return $done ? 0 : 1;
}

exit(main(...array_slice($argv, 1)));
