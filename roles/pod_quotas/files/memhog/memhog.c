/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPDX-FileCopyrightText: The workshop.production_patterns authors */
/* Takes memory, a megabyte at a time, keeps it, and says how much it holds: memhog [MEGABYTES] */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void leave(int signal)
{
    (void)signal;
    _exit(0);
}

int main(int argc, char **argv)
{
    int megabytes = argc > 1 ? atoi(argv[1]) : 100;

    /* As PID 1 it would ignore SIGTERM without a handler: see the lesson zombies_and_orphans. */
    signal(SIGTERM, leave);
    /* Each line has to be out before the next megabyte may be the last. */
    setvbuf(stdout, NULL, _IOLBF, 0);

    for (int held = 1; held <= megabytes; held++) {
        char *megabyte = malloc(1 << 20);
        if (megabyte == NULL) {
            printf("malloc refused megabyte %d\n", held);
            return 1;
        }
        /* Memory that was never written to takes no memory. */
        memset(megabyte, 1, 1 << 20);
        printf("holding %d MiB\n", held);
    }
    for (;;)
        pause();
}
