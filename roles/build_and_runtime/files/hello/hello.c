/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SPDX-FileCopyrightText: The workshop.production_patterns authors */
#include <stdio.h>

int main(void)
{
    printf("Hello World\n");
    return 0;
}
