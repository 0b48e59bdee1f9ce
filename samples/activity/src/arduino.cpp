/* SPDX-License-Identifier: MIT */
/* The sample under Arduino: the same lines on Serial, again every five seconds. */
#ifdef ARDUINO

#include <Arduino.h>

#include "sample.h"

static void say(const char *line)
{
    Serial.println(line);
}

void setup()
{
    Serial.begin(115200);
}

void loop()
{
    (void) sample_run(say);
    delay(5000);
}

#endif
