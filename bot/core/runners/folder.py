"""Where reports are kept: between commands, outside of the workspace and so outside of every candidate."""

REPORT_FOLDER = "/home/agent/.solvebot"
REPORT = f"{REPORT_FOLDER}/report"  # all that was reported, gathered
ENVIRONMENT = "SOLVEBOT_REPORT"  # names the file for a reporter of ours
