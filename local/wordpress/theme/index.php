<?php
$user = explode( '@', $wpdb->get_var( 'SELECT CURRENT_USER()' ) )[0];
header( "X-Database-User: $user" );
header( 'X-Pod: ' . getenv( 'INSTANCE' ) );
?>
<!doctype html>
<title><?php bloginfo( 'name' ); ?></title>
<p>The database knows us as <?php echo esc_html( $user ); ?>.
<?php
while ( have_posts() ) {
	the_post();
	the_title( '<h2>', '</h2>' );
}
