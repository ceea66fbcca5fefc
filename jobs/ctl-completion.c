/* SPDX-License-Identifier: Apache-2.0 */
#include "an.h"

#include "base/buf.h"
#include "base/text.h"
#include "ctl.h"
#include "proc/exit.h"

#define SCRIPT_MAX_BYTES (64 * 1024)

/* The options of "[--dry-run] --tenant T": every word that begins with "--". */
static void add_options(struct an_buf *out, const char *args)
{
    for (const char *p = args; (p = strstr(p, "--")) != NULL;) {
        size_t len = strspn(p, "-abcdefghijklmnopqrstuvwxyz");
        an_buf_addf(out, " %.*s", (int)len, p);
        p += len;
    }
}

static bool one_word(const struct an_ctl_command *c)
{
    return strchr(c->words, ' ') == NULL;
}

/* A case for each command: its options. "token check" stands before "token": the first that fits counts. */
static void add_option_cases(struct an_buf *out, bool of_one_word)
{
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            if (one_word(c) != of_one_word)
                continue;
            an_buf_addf(out, "    \"%s \"*) words=\"", c->words);
            add_options(out, c->args);
            an_buf_adds(out, " --config --json --help\" ;;\n");
        }
}

/* A case for each command of two words: the second may follow the first. */
static void add_second_words(struct an_buf *out)
{
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            struct an_str second, first = an_str_split(an_str(c->words), ' ', &second);
            if (second.data != NULL)
                an_buf_addf(out, "    \"%.*s \") words+=\" %.*s\" ;;&\n", AN_STR_ARG(first),
                            AN_STR_ARG(second));
        }
}

/* The first words, each once: commands that share one stand together. */
static void add_first_words(struct an_buf *out)
{
    struct an_str last = {NULL, 0};
    an_buf_adds(out, "    \"\") words=\"--help --version");
    for (size_t g = 0; an_ctl_groups[g] != NULL; g++)
        for (const struct an_ctl_command *c = an_ctl_groups[g]; c->words != NULL; c++) {
            struct an_str rest, first = an_str_split(an_str(c->words), ' ', &rest);
            if (!an_str_equal(first, last))
                an_buf_addf(out, " %.*s", AN_STR_ARG(first));
            last = first;
        }
    an_buf_adds(out, "\" ;;\n");
}

static int completion_bash(const struct an_ctl *ctl)
{
    (void)ctl;
    struct an_buf out;
    an_buf_init(&out, SCRIPT_MAX_BYTES);
    an_buf_adds(&out, "# Completion of annalsctl for bash; made by: annalsctl completion bash\n"
                      "_annalsctl() {\n"
                      "  local words= before=\"${COMP_WORDS[*]:1:COMP_CWORD-1}\"\n"
                      "  if [ \"${COMP_WORDS[COMP_CWORD-1]}\" = --config ]; then\n"
                      "    COMPREPLY=($(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                      "    return\n"
                      "  fi\n"
                      "  case \"${before:+$before }\" in\n");
    add_option_cases(&out, false);
    add_option_cases(&out, true);
    an_buf_adds(&out, "  esac\n"
                      "  case \"${before:+$before }\" in\n");
    add_second_words(&out);
    add_first_words(&out);
    an_buf_adds(&out, "  esac\n"
                      "  COMPREPLY=($(compgen -W \"$words\" -- \"${COMP_WORDS[COMP_CWORD]}\"))\n"
                      "}\n"
                      "complete -F _annalsctl annalsctl\n");
    (void)fputs(out.data, stdout);
    an_buf_release(&out);
    return AN_EXIT_OK;
}

const struct an_ctl_command an_ctl_completion[] = {
    {"completion bash", "", "print a completion script for bash", false, completion_bash},
    {NULL, NULL, NULL, false, NULL},
};
