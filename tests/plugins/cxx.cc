/* SPDX-License-Identifier: MIT */
/* Good: C++20. */
#include <string>
#include <tincan/handler.h>

static int answer(tc_req *r)
{
	const auto text = "C++ at " + std::string{tc.path(r)} + "\n";

	return tc.reply(r, 200, "text/plain", text.data(), text.size());
}

TINCAN_HANDLER("cxx", .on_request = answer);
