/* SPDX-License-Identifier: MIT */
/* The error log of a process. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/buffer.h"
#include "base/sink.h"
#include "base/text.h"

#define LOG_LINE_BYTES 8192	/* a longer message is cut */

/* Threads of handlers write lines, too; the rest is the loop's. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct {
	struct sink sink;
	enum log_level level;
	bool opened;
	bool json;
	char process[32];
} the_log = { .level = LOG_INFO, .sink = { .fd = STDERR_FILENO } };

int log_open(const char *path, enum log_level level, bool json, bool text)
{
	struct sink sink;
	int rc = sink_open(&sink, path, STDERR_FILENO);

	if (rc != 0) {
		return rc;
	}
	log_close();
	the_log.sink = sink;
	the_log.level = level;
	the_log.json = json || (!text && !sink.terminal);
	the_log.opened = true;
	return 0;
}

void log_close(void)
{
	if (the_log.opened) {
		sink_close(&the_log.sink);
	}
	the_log.opened = false;
}

int log_reopen(void)
{
	int rc;

	pthread_mutex_lock(&lock);
	rc = the_log.opened ? sink_reopen(&the_log.sink) : 0;
	pthread_mutex_unlock(&lock);
	return rc;
}

void log_take(int fd)
{
	pthread_mutex_lock(&lock);
	sink_take(&the_log.sink, fd);
	pthread_mutex_unlock(&lock);
}

void log_name(const char *process)
{
	snprintf(the_log.process, sizeof(the_log.process), "%s", process);
}

int log_fd(void)
{
	return the_log.sink.fd;
}

uint64_t log_lost(void)
{
	uint64_t lost;

	pthread_mutex_lock(&lock);
	lost = the_log.sink.lost;
	pthread_mutex_unlock(&lock);
	return lost;
}

void log_time(int64_t us, char out[LOG_TIME_BYTES])
{
	time_t seconds = (time_t)(us / 1000000);
	struct tm tm;
	size_t size;

	gmtime_r(&seconds, &tm);
	size = strftime(out, LOG_TIME_BYTES, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(out + size, LOG_TIME_BYTES - size, ".%06dZ", (int)(us % 1000000));
}

static void now_text(char out[LOG_TIME_BYTES])
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	log_time((int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000, out);
}

static const char *level_name(int level)
{
	static const char *const names[] = { "debug", "info", "warn", "error" };

	return names[level < LOG_DEBUG ? 0 : level > LOG_ERROR ? 3 : level - 1];
}

struct line {
	int level;
	const char *handler;
	const char *request;
	struct slice text;
};

static int append_member(struct buffer *out, const char *name, struct slice value)
{
	int rc = buffer_printf(out, ",\"%s\":\"", name);

	if (rc == 0) {
		rc = text_append_json(out, value);
	}
	return rc != 0 ? rc : buffer_append(out, "\"", 1);
}

static int append_json(struct buffer *out, const struct line *line, const char *time)
{
	int rc = buffer_printf(out,
	    "{\"time\":\"%s\",\"level\":\"%s\",\"process\":\"%s\"", time,
	    level_name(line->level), the_log.process);

	if (rc == 0 && line->handler != NULL) {
		rc = append_member(out, "handler", slice_of(line->handler));
	}
	if (rc == 0 && line->request != NULL) {
		rc = append_member(out, "id", slice_of(line->request));
	}
	if (rc == 0) {
		rc = append_member(out, "message", line->text);
	}
	return rc != 0 ? rc : buffer_append(out, "}\n", 2);
}

static int append_text(struct buffer *out, const struct line *line, const char *time)
{
	const char *space = the_log.process[0] == '\0' ? "" : " ";
	int rc = buffer_printf(out, "%s %s%s%s: ", time, level_name(line->level), space,
	    the_log.process);

	if (rc == 0 && line->handler != NULL) {
		rc = buffer_printf(out, "[%s%s%s] ", line->handler,
		    line->request == NULL ? "" : " ",
		    line->request == NULL ? "" : line->request);
	}
	if (rc == 0) {
		rc = text_append_printable(out, line->text);
	}
	return rc != 0 ? rc : buffer_append(out, "\n", 1);
}

/* Before there is a log. */
static bool write_standard(struct slice line)
{
	ssize_t written;

	do {
		written = write(STDERR_FILENO, line.data, line.size);
	} while (written < 0 && errno == EINTR);
	return written >= 0;
}

/* Takes the line if it could be made. */
static void put_line(const struct buffer *out, int rc)
{
	pthread_mutex_lock(&lock);
	if (rc != 0) {
		the_log.sink.lost++;
	} else if (the_log.opened) {
		sink_line(&the_log.sink, out->data, out->size);
		sink_flush(&the_log.sink);
	} else if (!write_standard(buffer_slice(out))) {
		the_log.sink.lost++;
	}
	pthread_mutex_unlock(&lock);
}

/* Every line is written at once: after a crash the last ones matter most. */
static void write_line(const struct line *line)
{
	struct buffer out;
	char time[LOG_TIME_BYTES];
	int rc;

	now_text(time);
	/* Escapes make a byte six at most; the bound is for a hostile handler's text. */
	buffer_init(&out, 6 * LOG_LINE_BYTES + 1024);
	rc = the_log.json ? append_json(&out, line, time) : append_text(&out, line, time);
	put_line(&out, rc);
	buffer_release(&out);
}

void log_say(enum log_level level, const char *format, ...)
{
	char text[LOG_LINE_BYTES];
	va_list ap;
	int size;

	if (level < the_log.level) {
		return;
	}
	va_start(ap, format);
	size = vsnprintf(text, sizeof(text), format, ap);
	va_end(ap);
	if (size < 0) {
		return;
	}
	if ((size_t)size >= sizeof(text)) {
		size = sizeof(text) - 1;
	}
	write_line(&(struct line){ .level = (int)level, .text = { text, (size_t)size } });
}

void log_handler(int level, const char *handler, const char *request, const char *text,
    size_t size)
{
	if (level < (int)the_log.level) {
		return;
	}
	if (size > LOG_LINE_BYTES) {
		size = LOG_LINE_BYTES;
	}
	write_line(&(struct line){ .level = level, .handler = handler, .request = request,
	    .text = { text, size } });
}
