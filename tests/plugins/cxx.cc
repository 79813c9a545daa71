/* SPDX-License-Identifier: MIT */
/*
 * Good: C++20, as its authors write it. State and conversations are objects, a timer is a
 * lambda, no exception leaves a callback, and a string is sent without a copy of it.
 */
#include <algorithm>
#include <cctype>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

#include <tincan/handler.h>

namespace {

/* What no callback may let out: what happened is a line of the log, and a negative
 * result, which the server answers with 500. */
template <typename F> int at_the_edge(F &&f) noexcept
{
	try {
		return f();
	} catch (const std::exception &e) {
		tc_log(TC_ERROR, "caught: %s", e.what());
		return TC_FAIL;
	}
}

/* The string lives until its bytes are sent. */
int reply(tc_req *r, int status, std::string text)
{
	auto kept = std::make_unique<std::string>(std::move(text));
	const auto &bytes = *kept;

	return tc.reply_ref(r, status, "text/plain", bytes.data(), bytes.size(),
	    [](void *arg) { delete static_cast<std::string *>(arg); }, kept.release());
}

/* Calls f once, in ms; it is destroyed then. */
template <typename F> bool after(int64_t ms, F f)
{
	auto kept = std::make_unique<F>(std::move(f));
	auto run = [](void *arg) {
		std::unique_ptr<F> mine{static_cast<F *>(arg)};
		at_the_edge([&] { return (*mine)(); });
	};

	if (tc.after(ms, run, kept.get()) == nullptr) {
		return false;
	}
	kept.release();
	return true;
}

struct settings {
	std::string greeting;
	int64_t delay_ms;
};

struct talk {
	tc_conn *c;
	unsigned messages = 0;
};

int open(tc_conf *cf, void **state)
{
	return at_the_edge([&] {
		auto mine = std::make_unique<settings>(settings{
		    .greeting = tc.conf_str(cf, "greeting", "C++ at "),
		    .delay_ms = tc.conf_int(cf, "delay_ms", 10, 0, 1000),
		});
		*state = mine.release();
		return int{TC_OK};
	});
}

void close(void *state)
{
	delete static_cast<settings *>(state);
}

int answer(tc_req *r)
{
	return at_the_edge([&]() -> int {
		const auto &mine = *static_cast<const settings *>(tc.state(r));
		const std::string_view tail{tc.tail(r)};

		if (tail == "throw") {
			throw std::runtime_error{"thrown on purpose"};
		}
		if (tail == "later") {
			auto done = [r, text = mine.greeting + "last\n"] {
				return reply(r, 200, text);
			};
			return after(mine.delay_ms, done) ? TC_LATER : TC_NOMEM;
		}
		return reply(r, 200, mine.greeting + tc.path(r) + "\n");
	});
}

int greet(tc_conn *c, tc_req *upgrade)
{
	if (upgrade == nullptr) {
		return 501;
	}
	return at_the_edge([&] {
		tc.conn_set_data(c, std::make_unique<talk>(talk{.c = c}).release());
		return int{TC_OK};
	});
}

int hear(tc_conn *c, const void *data, size_t size, uint32_t flags)
{
	return at_the_edge([&] {
		auto &mine = *static_cast<talk *>(tc.conn_data(c));
		std::string text{static_cast<const char *>(data), size};

		std::ranges::transform(text, text.begin(),
		    [](unsigned char each) { return std::toupper(each); });
		text += " " + std::to_string(++mine.messages);
		return tc.send(c, text.data(), text.size(), flags);
	});
}

void forget(tc_conn *c, int)
{
	delete static_cast<talk *>(tc.conn_data(c));
}

} /* namespace */

TINCAN_HANDLER("cxx",
	.route = "/cxx/*",
	.on_open = open,
	.on_close = close,
	.on_request = answer,
	.on_connect = greet,
	.on_data = hear,
	.on_end = forget);
