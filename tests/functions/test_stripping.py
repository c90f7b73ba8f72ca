"""Comments and indentation are removed from JavaScript and CSS, and nothing else."""

from typing import Final

import pytest

from functions.web import files
from functions.web.stripping import strip_script, strip_style

SAME: Final = (
    "const a = \"// no comment\", b = '/* nor this */', c = `// ${1} /* nor this */`;",
    'const a = "a \\" // b";',
    "const pattern = /[/*]\\/\\/ \"'`/g.test(a) / 2;",
    "const half = a / b / c;",
    "const half = (a + b) / c[0] / d;",
    "return /\\s+  x/.exec(text)",
    "const found = list.map((each) => /  a/u.test(each));",
    "const a = `  two\n    lines, not of HTML  `;",
    "const a = `${{ b: `${c}  // d` }.b}  // e`;",
    "const a = `\\`  // b`;",
    "const a = `$  // b $${c}  // d`;",
)


class TestScripts:
    @pytest.mark.parametrize("code", SAME)
    def test_what_only_looks_like_a_comment_stays(self, code: str) -> None:
        assert strip_script(code) == code

    @pytest.mark.parametrize(
        ("code", "stripped"),
        [
            ("// a\nb;", "\nb;"),
            ("/** a\n * b */\nc;", "\n\nc;"),
            ("a; // b\nc;", "a;\nc;"),
            ("a /* b */ + c", "a + c"),
            ("a/* b */c", "a c"),
            ("{\n    a;\n}", "{\na;\n}"),
            ("const a = /** @type {B} */ (c) / 2;", "const a = (c) / 2;"),
            (
                "html`<p>\n    ${a ? html`<b>\n  b  </b>` : ''} // c\n  </p>`",
                "html`<p>\n${a ? html`<b>\nb  </b>` : ''} // c\n</p>`",
            ),
            ("html`${a /* b */ }`", "html`${a }`"),
        ],
    )
    def test_comments_and_indentation_go(self, code: str, stripped: str) -> None:
        assert strip_script(code) == stripped

    @pytest.mark.parametrize("path", [path for path in files.find_page(is_stable=False).files if path.endswith(".js")])
    def test_lines_keep_their_numbers(self, path: str) -> None:
        source = (files.FOLDER / path).read_text()
        assert strip_script(source).count("\n") == source.count("\n")


class TestStyles:
    def test_comments_and_indentation_go(self) -> None:
        assert strip_style('/* a */\nb {\n  content: "/* c */";\n}') == '\nb {\ncontent: "/* c */";\n}'
