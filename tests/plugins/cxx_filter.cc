/* SPDX-License-Identifier: MIT */
/*
 * Good: a filter in C++20, as its authors write it. What it keeps of a request is an
 * object, no exception leaves a callback, and the body is held back until it is whole: it
 * comes out with its lines sorted.
 */
#include <algorithm>
#include <exception>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include <tincan/handler.h>

namespace {

/* What no callback may let out: what happened is a line of the log, and a negative
 * result, which ends the request. */
template <typename F> int at_the_edge(F &&f) noexcept
{
	try {
		return f();
	} catch (const std::exception &e) {
		tc_log(TC_ERROR, "caught: %s", e.what());
		return TC_FAIL;
	}
}

struct sorter {
	std::string text;

	std::string sorted() const
	{
		std::vector<std::string_view> lines;
		std::string_view left{text};
		std::string all;

		while (!left.empty()) {
			const auto size = std::min(left.find('\n'), left.size() - 1) + 1;

			lines.push_back(left.substr(0, size));
			left.remove_prefix(size);
		}
		std::ranges::sort(lines);
		for (const auto line : lines) {
			all += line;
		}
		return all;
	}
};

int ask(tc_req *r)
{
	return at_the_edge([&]() -> int {
		const char *wish = tc.header(r, "x-wish");

		tc.set_data(r, std::make_unique<sorter>().release());
		if (wish != nullptr && std::string_view{wish} == "throw") {
			throw std::runtime_error{"a wish that is not granted"};
		}
		if (wish != nullptr && std::string_view{wish} == "deny") {
			return tc.text(r, 403, "denied\n");
		}
		return TC_NEXT;
	});
}

int look(tc_req *r, int status)
{
	return at_the_edge([&] {
		return tc.set_header(r, "x-sorted", std::to_string(status).c_str());
	});
}

int take(tc_req *r, const void *data, size_t size, int last)
{
	return at_the_edge([&]() -> int {
		auto &mine = *static_cast<sorter *>(tc.data(r));

		mine.text.append(static_cast<const char *>(data), size);
		if (!last) {
			return TC_OK;
		}
		const auto text = mine.sorted();
		return tc.pass(r, text.data(), text.size(), 1);
	});
}

void forget(tc_req *r)
{
	delete static_cast<sorter *>(tc.data(r));
	tc_log(TC_INFO, "sorter forgets %s.", tc.path(r));
}

} /* namespace */

TINCAN_HANDLER("cxx_filter",
	.on_filter = ask,
	.on_reply = look,
	.on_piece = take,
	.on_done = forget);
