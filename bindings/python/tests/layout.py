"""Prints a C program that compares the structs of `_ffi.py` with the header's: their sizes, and where members lie."""

import ctypes
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from test_interface import STRUCTS  # noqa: E402

print('#include "tokenstore.h"\n#include <stddef.h>\n#include <stdio.h>\n')
print("static int wrong = 0, right = 0;")
print("static void check(const char *what, size_t python, size_t c) {")
print("    if (python == c) {\n        right++;\n        return;\n    }\n    wrong++;")
print('    printf("%s: %zu in Python, %zu in C\\n", what, python, c);\n}\n')
print("int main(void) {")
for name, struct in STRUCTS.items():
    print(f'    check("tokenstore_{name}", {ctypes.sizeof(struct)}, sizeof(tokenstore_{name}));')
    for member, kind in struct._fields_:
        at, size, c = getattr(struct, member).offset, ctypes.sizeof(kind), member.lstrip("_")
        print(f'    check("{name}.{c}", {at}, offsetof(tokenstore_{name}, {c}));')
        print(f'    check("sizeof {name}.{c}", {size}, sizeof(((tokenstore_{name} *)0)->{c}));')
print('    printf("structs in Python: %d sizes and offsets are those of C\\n", right);')
print("    return wrong != 0;\n}")
