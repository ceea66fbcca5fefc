/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/suggest.h"
#include "ctl.h"
#include "log/log.h"
#include "proc/exit.h"

#define COMMANDS_MAX 64
#define PROBLEMS_MAX_BYTES (256 * 1024)

const struct an_ctl_command *const an_ctl_groups[] = {
    an_ctl_config,
    an_ctl_db,
    an_ctl_status,
    an_ctl_shard,
    an_ctl_tenant,
    an_ctl_move,
    an_ctl_retention,
    an_ctl_hold,
    an_ctl_token,
    an_ctl_login,
    an_ctl_completion,
    NULL,
};

/* What may stand before or behind the command's words. */
struct globals {
    const char *conf_path;
    bool json, help, version;
};

/* Takes them out of argv, whose rest moves together; stops at "--". False where --config has no file. */
static bool take_globals(int *argc, char **argv, struct globals *out)
{
    int kept = 1;
    for (int i = 1; i < *argc; i++) {
        const char *arg = argv[i];
        if (strcmp(arg, "--") == 0) {
            while (i < *argc)
                argv[kept++] = argv[i++];
        } else if (strcmp(arg, "--config") == 0) {
            if (i + 1 == *argc)
                return false;
            out->conf_path = argv[++i];
        } else if (strncmp(arg, "--config=", 9) == 0) {
            out->conf_path = arg + 9;
        } else if (strcmp(arg, "--json") == 0) {
            out->json = true;
        } else if (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0) {
            out->help = true;
        } else if (strcmp(arg, "--version") == 0) {
            out->version = true;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return true;
}

/* How many of the arguments are the command's words; 0 where they are not. */
static int words_match(const char *words, int argc, char **argv)
{
    struct an_str rest = an_str(words);
    int count = 0;
    while (rest.data != NULL) {
        struct an_str word = an_str_split(rest, ' ', &rest);
        if (count == argc || !an_str_is(word, argv[count]))
            return 0;
        count++;
    }
    return count;
}

/* The command whose words, as many as can be, begin the arguments. */
static const struct an_ctl_command *command_find(int argc, char **argv, int *word_count)
{
    const struct an_ctl_command *best = NULL;
    *word_count = 0;
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            int count = words_match(c->words, argc, argv);
            if (count > *word_count) {
                *word_count = count;
                best = c;
            }
        }
    return best;
}

static bool in_group(const struct an_ctl_command *c, const char *group)
{
    size_t len = group == NULL ? 0 : strlen(group);
    return group == NULL ||
           (strncmp(c->words, group, len) == 0 && (c->words[len] == ' ' || c->words[len] == '\0'));
}

/* All commands, or those whose first word is `group`; how many. */
static unsigned print_commands(const char *group)
{
    unsigned count = 0;
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            if (!in_group(c, group))
                continue;
            (void)printf("  %s%s%s\n      %s\n", c->words, c->args[0] == '\0' ? "" : " ", c->args,
                         c->summary);
            count++;
        }
    return count;
}

static bool group_exists(const char *group)
{
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++)
            if (in_group(c, group))
                return true;
    return false;
}

static void print_help(const char *group)
{
    (void)printf("usage: annalsctl [--config FILE] [--json] COMMAND [OPTION]...\n\n");
    (void)print_commands(group);
    (void)printf("\nBefore or behind any command:\n"
                 "  --config FILE  configuration; else $ANNALS_CONF, else %s\n"
                 "  --json         results for programs to read\n"
                 "  --help         this help, or that of a command\n"
                 "  --version      the version\n"
                 "Exit status: 0 done, 1 failed, 2 usage, 75 try again later, 78 bad configuration.\n",
                 an_conf_default_path());
}

static void print_command_help(const struct an_ctl_command *c)
{
    (void)printf("usage: annalsctl %s%s%s\n%s\n", c->words, c->args[0] == '\0' ? "" : " ", c->args,
                 c->summary);
}

/* "db migrat" -> "db migrate": the nearest among the words of all commands. */
static int unknown_command(int argc, char **argv)
{
    const char *known[2 * COMMANDS_MAX];
    char firsts[COMMANDS_MAX][32], tried[128];
    size_t count = 0, first_count = 0;
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            if (first_count == COMMANDS_MAX)
                break;
            (void)snprintf(firsts[first_count], sizeof firsts[0], "%.*s", (int)strcspn(c->words, " "),
                           c->words);
            known[count++] = c->words;
            known[count++] = firsts[first_count++];
        }
    bool two = argc > 1 && argv[1][0] != '-';
    (void)snprintf(tried, sizeof tried, "%s%s%s", argv[0], two ? " " : "", two ? argv[1] : "");
    const char *near = an_suggest(an_str(tried), known, count);
    if ((near == NULL || strchr(near, ' ') == NULL) && two && group_exists(argv[0]))
        return an_ctl_usage("unknown command '%s' (see annalsctl %s --help)", tried, argv[0]);
    if (near == NULL)
        near = an_suggest(an_str(argv[0]), known, count);
    if (near == NULL)
        return an_ctl_usage("unknown command '%s' (see annalsctl --help)", tried);
    return an_ctl_usage("unknown command '%s' (did you mean \"%s\"?)", tried, near);
}

/* Loads the configuration where the command needs it, and runs it. */
static int run(struct an_ctl *ctl)
{
    const struct an_ctl_command *command = ctl->command;
    struct an_conf *c = NULL;
    if (command->args[0] == '\0' && ctl->argc > 1) /* not repeated: it may be a token */
        return an_ctl_usage("%s takes no arguments", command->words);
    if (command->needs_conf) {
        struct an_buf problems;
        an_buf_init(&problems, PROBLEMS_MAX_BYTES);
        c = an_conf_load(ctl->conf_path, &problems);
        (void)fputs(problems.data, stderr);
        an_buf_release(&problems);
        if (c == NULL)
            return AN_EXIT_CONF;
    }
    ctl->conf = c;
    int status = command->run(ctl);
    an_conf_free(c);
    if (fflush(stdout) != 0) {
        (void)fprintf(stderr, "annalsctl: cannot write the result\n");
        return AN_EXIT_FAILED;
    }
    return status;
}

int main(int argc, char **argv)
{
    struct globals globals = {.conf_path = an_conf_default_path()};
    int words;
    an_log_init("annalsctl", AN_LOG_WARN, AN_LOG_LOGFMT, "");
    if (!take_globals(&argc, argv, &globals))
        return an_ctl_usage("--config takes a file");
    if (globals.version) {
        (void)printf("annalsctl %s\n", PACKAGE_VERSION);
        return AN_EXIT_OK;
    }
    if (argc == 1) {
        if (!globals.help)
            return an_ctl_usage("a command is missing (see annalsctl --help)");
        print_help(NULL);
        return AN_EXIT_OK;
    }
    const struct an_ctl_command *command = command_find(argc - 1, argv + 1, &words);
    if (command != NULL && !globals.help) {
        struct an_ctl ctl = {.command = command,
                             .argc = argc - words,
                             .argv = argv + words,
                             .conf_path = globals.conf_path,
                             .json = globals.json};
        return run(&ctl);
    }
    if (command != NULL) {
        print_command_help(command);
        return AN_EXIT_OK;
    }
    if (!group_exists(argv[1]))
        return unknown_command(argc - 1, argv + 1);
    if (globals.help) {
        print_help(argv[1]);
        return AN_EXIT_OK;
    }
    if (argc > 2)
        return unknown_command(argc - 1, argv + 1);
    return an_ctl_usage("'%s' needs a further word (see annalsctl %s --help)", argv[1], argv[1]);
}
