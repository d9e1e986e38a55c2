// What the units of the test of every call use.
#pragma once

#include "check.hpp"

/// What the clocks of these tests show at first.
inline const tokenstore::time_point noon(std::chrono::milliseconds(1795521600000));

/// Where the forms with a code put it.
inline std::error_code code;

/// The calls about types and tokens.
void calls_about_tokens();

/// The calls about tickets, pairs, rotation and the ends of many tokens.
void calls_about_sessions();
