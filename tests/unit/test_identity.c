/* profile/identity.c: elements that several keys together tell apart, in layers and on the command line. */
#include "load.h"

static const char ports[] = "format = 1; network = { mode = \"veth\"; address = \"10.0.0.2/24\"; publish = (\n"
			    " { host = 8080; guest = 80; },\n"
			    " { listen = \"::1\"; host = 8080; guest = 81; },\n"
			    " { host = 53; protocol = \"udp\"; } ); };";

/* What an element leaves out is, for its identity, the default. */
static void elements_merge_by_several_keys(void **state)
{
	static const char *const sets[] = { "network.publish[127.0.0.1:8080/tcp].guest=82",
					    "network.publish[[0::1]:8080/tcp].guest=83",
					    "network.publish[127.0.0.1:53/udp].remove=true",
					    "network.publish[10.0.0.9:53/udp].guest=54", NULL };
	const struct published_port *port = NULL;
	struct loaded loaded = { 0 };

	(void)state;
	write_profile("base", ports);
	loaded = load_with("format = 1; extends = [ \"base\" ]; network = { publish = (\n"
			   "{ listen = \"127.0.0.1\"; host = 8080; protocol = \"tcp\"; guest = 90; },\n"
			   "{ host = 8080; protocol = \"udp\"; } ); };",
			   sets);
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->network.publish.count, 4);
	port = loaded.profile->network.publish.items;
	assert_int_equal(port[0].guest, 82);
	assert_string_equal(port[1].listen, "::1");
	assert_int_equal(port[1].guest, 83);
	assert_int_equal(port[2].guest, INT_UNSET);
	assert_int_equal(port[2].protocol, NETWORK_PUBLISH_PROTOCOL_UDP);
	assert_int_equal(port[2].host, 8080);
	assert_string_equal(port[3].listen, "10.0.0.9");
	assert_int_equal(port[3].guest, 54);
	unload(&loaded);
	loaded = load_text("format = 1; extends = [ \"base\" ]; network = { publish = (\n"
			   "{ host = 8080; remove = true; },\n"
			   "{ host = 8080; listen = \"::1\"; protocol = \"tcp\"; remove = true; } ); };");
	assert_loaded(&loaded);
	assert_int_equal(loaded.profile->network.publish.count, 1);
	unload(&loaded);
	assert_refused(load_text("format = 1; extends = [ \"base\" ];\nnetwork = { publish = (\n"
				 "{ host = 8080; listen = \"::2\"; remove = true; } ); };"),
		       "test.conf:3:network.publish[0]: [::2]:8080/tcp cannot be removed: it is not there", 1);
	assert_refused(
		load_text("format = 1; extends = [ \"base\" ]; network = { publish = (\n"
			  "{ host = 8080; guest = 80; remove = true; } ); };"),
		"test.conf:2:network.publish[0]: an element that is removed has listen:host/protocol and remove, "
		"and nothing else",
		1);
	assert_refused(load_text("format = 1; network = { mode = \"veth\"; publish = (\n { host = 80; },\n"
				 " { host = 80; protocol = \"tcp\"; listen = \"127.0.0.1\"; } ); };"),
		       "test.conf:3:network.publish[1]: a second element with listen:host/protocol 127.0.0.1:80/tcp",
		       1);
	assert_refused(load_text("format = 1; network = { mode = \"veth\"; publish = ( { guest = 80; } ); };"),
		       "test.conf:1:network.publish[0]: host is missing", 1);
}

static void identities_have_a_form(void **state)
{
	static const char *const wrong[] = {
		"",          "8080",          "127.0.0.1:8080", "127.0.0.1/tcp", "::1:8080/tcp",
		":8080/tcp", "[::1]8080/tcp", "[::1:8080/tcp",  "[]:8080/tcp",   "127.0.0.1:/tcp",
	};
	char set[64];
	const char *const sets[] = { set, NULL };

	(void)state;
	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		struct loaded loaded = { 0 };

		(void)snprintf(set, sizeof(set), "network.publish[%s].guest=80", wrong[i]);
		loaded = load_with(ports, sets);
		if (loaded.profile)
			fail_msg("%s", wrong[i]);
		unload(&loaded);
	}
	(void)snprintf(set, sizeof(set), "network.publish[8080].guest=80");
	assert_refused(load_with(ports, sets),
		       "command line: -s network.publish[8080].guest=80: an element is addressed by "
		       "listen:host/protocol",
		       1);
	(void)snprintf(set, sizeof(set), "network.publish[10.1:8080/tcp].guest=80");
	assert_refused(load_with(ports, sets), "command line:network.publish[0].listen: \"10.1\" is no IP address", 1);
	assert_int_equal(key_lookup("network.publish[[::1]:8080/tcp].guest"), K_NETWORK_PUBLISH_GUEST);
	assert_int_equal(key_lookup("network.publish[[::1]:8080/tcp.guest"), K_NONE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(elements_merge_by_several_keys),
		cmocka_unit_test(identities_have_a_form),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
