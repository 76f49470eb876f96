<?php
// A page that costs little: by WordPress's own SHORTINIT it stops once wp-config.php is read and the database is logged in to.
define( 'SHORTINIT', true );
require __DIR__ . '/wp-load.php';
$user = explode( '@', $wpdb->get_var( 'SELECT CURRENT_USER()' ) )[0];
header( "X-Database-User: $user" );
header( 'X-Pod: ' . getenv( 'INSTANCE' ) );
echo $wpdb->get_var( "SELECT option_value FROM $wpdb->options WHERE option_name = 'blogname'" );
