"""What `_ffi.py` says of the C interface is what the header says: every number, struct and call.

A C compiler then says the same of sizes and offsets: see layout.py.
"""

import ctypes
import re
import unittest
from pathlib import Path
from typing import Any, Dict, List

import tokenstore
from tokenstore import _ffi

ROOT = Path(__file__).resolve().parents[3]
HEADERS = [
    ROOT / "include" / "tokenstore.h",
    Path(__file__).resolve().parents[1] / "rust/include/tokenstore.h",
]
# Structs whose members are private in Python, and what differs in name alone.
STRUCTS: Dict[str, Any] = {
    re.sub("([a-z])([A-Z])", r"\1_\2", name).lower(): struct
    for name, struct in vars(_ffi).items()
    if isinstance(struct, type) and issubclass(struct, ctypes.Structure) and struct is not _ffi.Growing
}
# How a parameter that is no pointer is passed.
SCALARS = {
    "size_t": ctypes.c_size_t,
    "int32_t": ctypes.c_int32,
    "uint32_t": ctypes.c_uint32,
    "int64_t": ctypes.c_int64,
    "uint64_t": ctypes.c_uint64,
    "tokenstore_status": ctypes.c_int32,
    "void": None,
}


def header() -> str:
    """The header without its comments."""
    text = next(path for path in HEADERS if path.exists()).read_text(encoding="utf-8")
    return re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)


def kind_of(declaration: str) -> Any:
    """How C passes a parameter: the struct that it points to, "pointer", or a type of ctypes."""
    declaration = declaration.strip()
    pointed = re.fullmatch(r"(?:const )?struct tokenstore_(\w+) \*\w*", declaration)
    if pointed and pointed[1] in STRUCTS:
        return STRUCTS[pointed[1]]
    if "*" in declaration:
        return "pointer"
    return SCALARS[declaration.split()[0]]


def kind_in_python(given: Any) -> Any:
    """The same of an entry in `argtypes`."""
    if given in (ctypes.c_void_p, ctypes.c_char_p):
        return "pointer"
    target = getattr(given, "_type_", None)
    if isinstance(target, type) and issubclass(target, ctypes.Structure):
        return target
    return "pointer" if isinstance(target, type) else given


class Interface(unittest.TestCase):
    def test_every_call_of_the_header_is_there_with_the_same_arguments(self) -> None:
        declared = re.findall(
            r"^(?:TOKENSTORE_MUST_USE\s+)?([\w ]+?[ *])tokenstore_(\w+)\(([^)]*)\);", header(), re.MULTILINE
        )
        self.assertGreater(len(declared), 30)
        self.assertEqual(sorted({name for _, name, _ in declared}), sorted(_ffi.PROTOTYPES))
        for result, name, parameters in declared:
            returns, takes = _ffi.PROTOTYPES[name]
            wanted: List[Any] = [kind_of(one) for one in parameters.split(",") if one.strip() != "void"]
            found = [kind_in_python(one) for one in takes]
            # A query goes by its address, which costs ctypes least.
            wanted = ["pointer" if kind is _ffi.Query else kind for kind in wanted]
            self.assertEqual(found, wanted, name)
            self.assertEqual("pointer" if returns is ctypes.c_char_p else returns, kind_of(result), name)

    def test_every_number_of_the_header_is_the_same(self) -> None:
        numbers = re.findall(r"^#define TOKENSTORE_(\w+) (\d+)(?:ull)?$", header(), re.MULTILINE)
        self.assertGreater(len(numbers), 60)
        version = {}
        for name, text in numbers:
            if name.startswith("VERSION_") and name != "VERSION_NUMBER":
                version[name] = text
            elif name in tokenstore.Status.__members__:
                self.assertEqual(tokenstore.Status[name], int(text), name)
            else:
                self.assertEqual(getattr(_ffi, name), int(text), name)
        found = {name for name, _ in numbers}
        self.assertEqual(set(tokenstore.Status.__members__) - found, set())
        self.assertEqual(
            tokenstore.__version__,
            ".".join(version[f"VERSION_{part}"] for part in ("MAJOR", "MINOR", "PATCH")),
        )
        self.assertEqual(tokenstore.version_text(), tokenstore.__version__)

    def test_every_struct_has_the_members_of_the_header_in_their_order(self) -> None:
        structs = re.findall(
            r"^typedef struct tokenstore_(\w+) \{(.*?)^\}", header(), re.MULTILINE | re.DOTALL
        )
        self.assertEqual(sorted(name for name, _ in structs), sorted(STRUCTS))
        for name, body in structs:
            members = re.findall(r"(\w+)(?:\[\w+\])?;", body)
            self.assertEqual([member[0].lstrip("_") for member in STRUCTS[name]._fields_], members, name)

    def test_a_new_struct_says_its_size_and_nothing_else(self) -> None:
        for struct in STRUCTS.values():
            made = bytes(struct())
            size = ctypes.sizeof(struct).to_bytes(8, "little") if issubclass(struct, _ffi.Growing) else b""
            self.assertEqual(made, size + b"\0" * (len(made) - len(size)))

    def test_a_call_that_the_header_has_not_is_no_call(self) -> None:
        with self.assertRaises(AttributeError):
            _ffi.lib.token_frobnicate


if __name__ == "__main__":
    unittest.main()
