/* cli: reads the command line by the table that mkschema makes of schema/options.schema.
 *
 * Runs in the launcher, first of all. Options stop at the first word that is none, so that a command's own options
 * are never ours; the first word is a command of ours only if the table lists it. A command to be run needs `--`,
 * `run`, or a profile before it: a mistyped command of ours is then an error and never somebody's program.
 *
 * The short forms --ro, --rw, --env, --chdir and --net are written as -s settings, in the order given, so that the
 * profile language has one reader only.
 */
#include "cli.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/format.h"
#include "profile/diagnostic.h"
#include "profile/load.h"

struct reader {
	int argc, at;
	char **argv;
	struct arena *arena;
	struct cli *cli;
	struct error *err;
};

static int usage(struct error *err)
{
	error_remedy(err, "see `sandbox help`");
	return error_exit(err, EXIT_OF_USAGE);
}

static int add_word(struct reader *reader, struct words *words, const char *word)
{
	if (!words->items)
		words->items = arena_array(reader->arena, (size_t)reader->argc * 2, sizeof(*words->items));
	if (!words->items || !word)
		return fail_errno(reader->err, 0, "cannot keep the command line");
	words->items[words->count++] = word;
	return 0;
}

/* A path or value as the profile language reads it back, without variables in it; in `quotes` what means something
 * there, or may not stand there, is written as an escape. */
static char *escaped(struct arena *arena, const char *text, bool quotes)
{
	char *out = arena_alloc(arena, strlen(text) * strlen("\\x00") + 1);
	char *at = out;

	for (; out && *text; text++) {
		if (quotes && ((unsigned char)*text < ' ' || *text == 0x7f)) {
			at += format_text(at, sizeof("\\x00"), "\\x%d%x", *text >> 4, (unsigned)*text & 15);
			continue;
		}
		if (quotes && (*text == '"' || *text == '\\'))
			*at++ = '\\';
		*at++ = *text;
		if (*text == '$')
			*at++ = '$';
	}
	return out;
}

static const char *quoted(struct arena *arena, const char *text)
{
	const char *inner = escaped(arena, text, true);

	return inner ? arena_format(arena, "\"%s\"", inner) : NULL;
}

/* `more`: further keys of the mount. */
static const char *bind_setting(struct arena *arena, const char *path, const char *more)
{
	const char *text = quoted(arena, path);

	return text ? arena_format(arena, "mounts=( { type = \"bind\"; source = %s; target = %s; %s } )", text, text,
				   more)
		    : NULL;
}

/* A short form takes a path from where the caller stands; NULL with errno set when it leads nowhere. */
static const char *absolute(struct arena *arena, const char *path)
{
	char resolved[PATH_MAX];

	if (path[0] == '/')
		return path;
	return realpath(path, resolved) ? arena_copy(arena, resolved) : NULL;
}

/* Writable means by the payload. What an ordinary user owns, the payload owns; launched by root it is some other
 * user, who can write what the path's owner can once the owners are mapped. */
static const char *writable(void)
{
	return geteuid() ? "access = \"read-write\";" : "access = \"read-write\"; idmap = \"owner\";";
}

/* The -s setting that a short form stands for; NULL with errno 0 when the option is none. */
static const char *setting_of(struct arena *arena, enum option_id option, const char *value)
{
	errno = 0;
	switch (option) {
	case O_RO:
		return bind_setting(arena, value, "access = \"read-only\";");
	case O_RW:
		return bind_setting(arena, value, writable());
	case O_ENV:
		value = quoted(arena, value);
		return value ? arena_format(arena, "process.env={ add = [ %s ]; }", value) : NULL;
	case O_CHDIR:
		value = escaped(arena, value, false);
		return value ? arena_format(arena, "process.cwd=%s", value) : NULL;
	case O_NET:
		return arena_format(arena, "network.mode=%s", value);
	default:
		return NULL;
	}
}

static int take_value(struct reader *reader, enum option_id option, const char *value)
{
	struct cli *cli = reader->cli;
	const char *setting = NULL;

	if (cli->given[option] && !cli_options[option].many) {
		fail(reader->err, 0, "option --%s is given twice", cli_options[option].name);
		return usage(reader->err);
	}
	cli->given[option] = true;
	cli->value[option] = value;
	if (option == O_PROFILE)
		return add_word(reader, &cli->profiles, value);
	if (option == O_SET)
		return add_word(reader, &cli->sets, value);
	if (option == O_DEFINE)
		return add_word(reader, &cli->params, value);
	if (cli->command == C_EXEC && option == O_ENV)
		return add_word(reader, &cli->variables, value);
	if (!value || cli->command == C_EXEC)
		return 0;
	/* The host's network is the one that a sandbox without a network namespace of its own is in. */
	if (option == O_NET && strcmp(value, "host") == 0 &&
	    add_word(reader, &cli->sets, "namespaces={ remove = [ \"net\" ]; }"))
		return -1;
	if ((option == O_RO || option == O_RW) && !(value = absolute(reader->arena, value))) {
		fail_errno(reader->err, 0, "cannot show %s inside", cli->value[option]);
		return error_exit(reader->err, EXIT_OF_USAGE);
	}
	if (option == O_NAME && !profile_name_valid(value)) {
		fail(reader->err, 0,
		     "--name %s: a name is 1 to 64 letters, digits, '.', '_' and '-', and begins with none of '.' and "
		     "'-'",
		     value);
		return usage(reader->err);
	}
	setting = setting_of(reader->arena, option, value);
	return setting || errno ? add_word(reader, &cli->sets, setting) : 0;
}

static int find_option(const char *name, size_t length, char letter)
{
	for (int i = 0; i < O_COUNT; i++) {
		if (name && strlen(cli_options[i].name) == length && !memcmp(cli_options[i].name, name, length))
			return i;
		if (letter && cli_options[i].letter == letter)
			return i;
	}
	return -1;
}

static int unknown_option(struct reader *reader, const char *word)
{
	const char *names[O_COUNT], *nearest = NULL;
	size_t length = strcspn(word, "="), count = 0;
	const char *name = word[1] == '-' ? arena_copy_n(reader->arena, word + 2, length - 2) : NULL;

	for (int i = 0; i < O_COUNT; i++)
		if (cli_options[i].commands & (1U << reader->cli->command))
			names[count++] = cli_options[i].name;
	nearest = name ? nearest_name(name, names, count) : NULL;
	fail(reader->err, 0, "unknown option %s", word);
	usage(reader->err);
	return nearest ? error_remedy(reader->err, "did you mean --%s?", nearest) : -1;
}

static int check_place(struct reader *reader, int option, const char *word)
{
	if (option < 0)
		return unknown_option(reader, word);
	if (cli_options[option].commands & (1U << reader->cli->command))
		return 0;
	fail(reader->err, 0, "option --%s has no meaning for `sandbox %s`", cli_options[option].name,
	     cli_commands[reader->cli->command].name);
	return usage(reader->err);
}

/* The value of an option that takes one: what is stuck to it, else the next word. */
static int value_of(struct reader *reader, int option, const char *stuck, const char **ret)
{
	*ret = NULL;
	if (!cli_options[option].arg) {
		if (!stuck)
			return 0;
		fail(reader->err, 0, "option --%s takes no value", cli_options[option].name);
		return usage(reader->err);
	}
	*ret = stuck ? stuck : reader->at < reader->argc ? reader->argv[reader->at++] : NULL;
	if (*ret)
		return 0;
	fail(reader->err, 0, "option --%s needs a value: %s", cli_options[option].name, cli_options[option].arg);
	return usage(reader->err);
}

static int read_long(struct reader *reader, const char *word)
{
	const char *name = word + 2;
	size_t length = strcspn(name, "=");
	int option = find_option(name, length, 0);
	const char *value = NULL;

	if (check_place(reader, option, word) ||
	    value_of(reader, option, name[length] ? name + length + 1 : NULL, &value))
		return -1;
	return take_value(reader, (enum option_id)option, value);
}

/* -v, -vp NAME, -pNAME */
static int read_short(struct reader *reader, const char *word)
{
	for (const char *letter = word + 1; *letter; letter++) {
		int option = find_option(NULL, 0, *letter);
		const char *value = NULL;
		bool takes = option >= 0 && cli_options[option].arg;

		if (check_place(reader, option, word) ||
		    value_of(reader, option, takes && letter[1] ? letter + 1 : NULL, &value) ||
		    take_value(reader, (enum option_id)option, value))
			return -1;
		if (takes)
			break;
	}
	return 0;
}

/* 1 when a `--` ended them, 0 when a word or the end did, -1 on error. */
static int read_options(struct reader *reader)
{
	while (reader->at < reader->argc) {
		const char *word = reader->argv[reader->at];

		if (word[0] != '-' || !word[1])
			break;
		reader->at++;
		if (!strcmp(word, "--"))
			return 1;
		if (word[1] == '-' ? read_long(reader, word) : read_short(reader, word))
			return -1;
	}
	return 0;
}

static int find_command(const char *word)
{
	for (int i = 0; i < C_COUNT; i++)
		if (!strcmp(cli_commands[i].name, word))
			return i;
	return -1;
}

/* Options alone: nobody has said yet that it is to be the default sandbox. */
static int no_command(struct error *err)
{
	fail(err, 0, "no command to run is given");
	error_remedy(err,
		     "to run it in the default sandbox write: sandbox OPTION ... -- COMMAND; a profile that has one "
		     "goes behind -p");
	return error_exit(err, EXIT_OF_USAGE);
}

static int unknown_command(const char *word, struct error *err)
{
	const char *names[C_COUNT], *nearest = NULL;

	for (int i = 0; i < C_COUNT; i++)
		names[i] = cli_commands[i].name;
	nearest = nearest_name(word, names, C_COUNT);
	fail(err, 0, "`%s` is no command of sandbox", word);
	error_remedy(err, "%s%s%sto run it in the default sandbox write: sandbox -- %s",
		     nearest ? "did you mean `sandbox " : "", nearest ? nearest : "", nearest ? "`? " : "", word);
	return error_exit(err, EXIT_OF_USAGE);
}

/* What a command that takes none is given is often the name of a profile, and never to be passed over. */
static int check_words(struct reader *reader)
{
	const struct cli *cli = reader->cli;
	const struct cli_command *command = &cli_commands[cli->command];

	if (cli->command == C_HELP && cli->rest_count && (cli->rest_count > 1 || find_command(cli->rest[0]) < 0))
		return unknown_command(cli->rest[cli->rest_count - 1], reader->err);
	if (command->args[0] || !cli->rest_count || cli->given[O_HELP])
		return 0;
	fail(reader->err, 0, "`sandbox %s` takes no word: %s", command->name, cli->rest[0]);
	usage(reader->err);
	if (!(cli_options[O_PROFILE].commands & (1U << cli->command)))
		return -1;
	return error_remedy(reader->err, "a profile goes behind -p: sandbox %s -p %s", command->name, cli->rest[0]);
}

int cli_read(int argc, char **argv, struct arena *arena, struct cli *ret, struct error *err)
{
	struct reader reader = { .argc = argc, .at = 1, .argv = argv, .arena = arena, .cli = ret, .err = err };
	int command = argc > 1 ? find_command(argv[1]) : -1;
	int dashes = 0;

	*ret = (struct cli){ .command = command < 0 ? C_RUN : (enum command_id)command };
	if (argc < 2) {
		fail(err, 0, "no command and no profile is given");
		return usage(err);
	}
	reader.at += command >= 0;
	dashes = read_options(&reader);
	if (dashes < 0)
		return -1;
	ret->rest = argv + reader.at;
	ret->rest_count = argc - reader.at;
	if (command >= 0)
		return check_words(&reader);
	if (dashes || ret->profiles.count || ret->given[O_HELP] || ret->given[O_VERSION])
		return 0;
	return ret->rest_count ? unknown_command(ret->rest[0], err) : no_command(err);
}

void cli_misplaced(const struct cli *cli, struct error *err)
{
	if (cli->command == C_RUN && cli->rest_count && find_command(cli->rest[0]) >= 0)
		error_remedy(err, "sandbox's own command goes first: sandbox %s ...", cli->rest[0]);
}

/* Prints `text` in lines of at most `width` columns from column `indent` on; the first line's indent is there
 * already. */
static void print_wrapped(const char *text, int indent, int width)
{
	int column = indent;

	while (*text) {
		size_t length = strcspn(text, " ");

		if (column > indent && column + 1 + (int)length > width) {
			printf("\n%*s", indent, "");
			column = indent;
		}
		column += printf("%s%.*s", column > indent ? " " : "", (int)length, text);
		text += length;
		text += strspn(text, " ");
	}
	putchar('\n');
}

enum { HELP_INDENT = 26, HELP_WIDTH = 80 };

static void print_option(const struct cli_option *option)
{
	char head[64];
	int n = snprintf(head, sizeof(head), "  %c%c%c --%s%s%s", option->letter ? '-' : ' ',
			 option->letter ? option->letter : ' ', option->letter ? ',' : ' ', option->name,
			 option->arg ? " " : "", option->arg ? option->arg : "");

	printf("%-*s", HELP_INDENT, head);
	if (n >= HELP_INDENT)
		printf("\n%*s", HELP_INDENT, "");
	print_wrapped(option->doc, HELP_INDENT, HELP_WIDTH);
}

static void print_command(const struct cli_command *command)
{
	printf("  %-*s", HELP_INDENT - 2, command->name);
	print_wrapped(command->doc, HELP_INDENT, HELP_WIDTH);
}

void cli_help(const struct cli *cli)
{
	bool asked = cli->command == C_HELP && cli->rest_count;
	bool one = asked || (cli->command != C_HELP && cli->command != C_RUN);
	int command = asked ? find_command(cli->rest[0]) : (int)cli->command;

	printf("usage: sandbox %s [OPTION ...]%s%s\n\n", one ? cli_commands[command].name : "[COMMAND]",
	       one && !cli_commands[command].args[0] ? "" : " ",
	       one ? cli_commands[command].args : "[--] [PROGRAM [ARG ...]]");
	for (int i = 0; i < C_COUNT && !one; i++)
		print_command(&cli_commands[i]);
	if (one)
		print_command(&cli_commands[command]);
	putchar('\n');
	for (int i = 0; i < O_COUNT; i++)
		if (!one || cli_options[i].commands & (1U << command))
			print_option(&cli_options[i]);
	if (!one)
		printf("\nExit status: that of the program; 128+n when signal n ended it; of our own:\n"
		       "  120 usage, 121 profile, 122 host, 123 a stage failed, 124 time, output limit,\n"
		       "  125 internal, 126 cannot execute, 127 not found. See sandbox(1).\n");
}
