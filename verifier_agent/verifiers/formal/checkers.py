"""Programs that check proofs, and how what they say is read: data."""

from __future__ import annotations

import re
from dataclasses import dataclass

from verifier_agent.errors import ConfigurationError
from verifier_agent.plain import Value


@dataclass(frozen=True, slots=True, kw_only=True)
class Checker(Value):
    """A command that reads a file and says whether it holds."""

    arguments: tuple[str, ...]
    """The command; "{file}" in it is the name of the file. Without, it reads standard input."""
    file: str = "proof.txt"
    passes: str = ""
    """A pattern that the output has to match besides status 0; for those that always give it."""
    located: str = ""
    """A pattern with the groups `line` and `message` for each complaint; JSON lines are lines."""
    forbidden: str = ""
    """A pattern that a proof must not match: what could change the statement, or the checker."""

    def __post_init__(self) -> None:
        if not self.arguments:
            raise ConfigurationError("a checker needs a command: arguments=('program', '{file}')")
        if not re.fullmatch(r"[\w][\w.-]{0,99}", self.file):
            raise ConfigurationError(f"file={self.file!r}: a plain file name is needed")
        for name in ("passes", "located", "forbidden"):
            try:
                pattern = re.compile(getattr(self, name), re.MULTILINE)
            except re.error as error:
                raise ConfigurationError(f"{name} is no pattern: {error}") from None
            if name == "located" and self.located and "line" not in pattern.groupindex:
                raise ConfigurationError("located needs a group (?P<line>…)")


CHECKERS = {
    "lean": Checker(
        arguments=("lean", "{file}"),
        file="Main.lean",
        # tactics that give up may assume what they should show: a warning, and status 0
        passes=r"\A(?![\s\S]*^Main\.lean:\d+:\d+: warning: declaration uses \W?sorry)",
        located=r"^Main\.lean:(?P<line>\d+):\d+: error: (?P<message>.*)",
        # what assumes, runs code while it is read, or says anew what words mean
        forbidden=r"\b(?:sorry|admit|stop|plausible|slim_check|axiom|native|native_decide|unsafe"
        r"|extern|implemented_by|opaque|macro|macro_rules|syntax|notation3?|simproc|simproc_decl"
        r"|infixl?|infixr|prefix|postfix|elab|elab_rules|run_cmd|run_tac"
        r"|run_elab|run_meta|declare_\w+|register_\w+|initialize|builtin_initialize|set_option"
        r"|import|open|namespace|section|end"
        r"|attribute|instance|universe|variable|theorem|lemma|def|abbrev|example|IO|by_elab"
        r"|deriving|private|include_str|sorryAx|(?:ofR|r)educe(?:Bool|Nat)|trustCompiler|debug"
        r"|dbg_trace)\b"
        r"|\bapply\?|#|@\[",
    ),
    "metamath": Checker(
        arguments=("metamath", 'read "{file}"', "verify proof *", "exit"),
        file="proof.mm",
        # its last words: an error quotes the line of the proof, which may say the same; and no
        # error before them, for it says them of a proof of something else too
        passes=r"\A(?![\s\S]*^\?Error)[\s\S]*"
        r"^All proofs in the database were verified\b.*\nMM> exit\s*\Z",
        located=r"^\?Error on line (?P<line>\d+) of file .*\n.*\n.*\n(?P<message>.*)",
        forbidden=r"\$",  # every keyword has one: a proof is labels alone
    ),
}
"""Known ones. What they forbid is the price of a file that holds both statement and proof."""
