"""Lets AWS's own command line read requests that were written down, one JSON list of arguments a line. Whole ones it reads up to where it would send them;
with --named only the command and its options are looked at, as where a text mentions a command and leaves out the rest."""
import json, sys
from types import SimpleNamespace
from awscli.clidriver import create_clidriver

EVERYWHERE = {"output", "query", "region", "profile"}


def answer(model, **_):
    """An empty answer of the request's form, in place of one from AWS."""
    members = model.output_shape.members if model.output_shape else {}
    return SimpleNamespace(status_code=200, headers={}), {name: [] for name, shape in members.items() if shape.type_name == "list"}


def below(command):
    """The commands below one."""
    return command._get_command_table() if hasattr(command, "_get_command_table") else command.subcommand_table


def named(driver, arguments):
    """Whether there is such a command with such options."""
    service, operation, *rest = arguments
    try:
        command = below(driver._get_command_table()[service])[operation]
    except KeyError:
        return False
    if operation == "wait":
        return bool(rest) and rest[0] in below(command)
    options = {option[2:].split("=")[0] for option in rest if option.startswith("--")}
    return options <= EVERYWHERE | set(command.arg_table)


def sent(driver, arguments):
    """Whether a request would be sent."""
    driver.session.register("before-call", answer)
    try:
        return driver.main(arguments) == 0
    except SystemExit as end:
        return not end.code


for line in sorted(set(sys.stdin)):
    arguments = json.loads(line)
    # What is made of several requests, or of none, or of files.
    whole = "--named" not in sys.argv and arguments[:2] not in (["cloudformation", "deploy"], ["configure", "get"], ["ecr", "get-login-password"], ["logs", "tail"], ["s3", "cp"]) and arguments[1] != "wait"
    if not (sent if whole else named)(create_clidriver(), arguments):
        print("refused:", " ".join(arguments), file=sys.stderr)
