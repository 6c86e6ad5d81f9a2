"""What set-up commands find in their environment: nothing is fetched that cannot be had or is not needed."""

from __future__ import annotations

SETUP_HINTS = {
    # Browsers and other programs that packages fetch from hosts of their own
    "CHROMEDRIVER_SKIP_DOWNLOAD": "true",
    "CYPRESS_INSTALL_BINARY": "0",
    "ELECTRON_SKIP_BINARY_DOWNLOAD": "1",
    "PLAYWRIGHT_SKIP_BROWSER_DOWNLOAD": "1",
    "PUPPETEER_SKIP_CHROMIUM_DOWNLOAD": "true",
    "PUPPETEER_SKIP_DOWNLOAD": "true",
    "SENTRYCLI_SKIP_DOWNLOAD": "1",
    # Hooks for people who commit
    "HUSKY": "0",
    "LEFTHOOK": "0",
    # News, audits, statistics
    "COMPOSER_NO_AUDIT": "1",
    "DO_NOT_TRACK": "1",
    "DOTNET_CLI_TELEMETRY_OPTOUT": "1",
    "NEXT_TELEMETRY_DISABLED": "1",
    "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    "YARN_ENABLE_TELEMETRY": "0",
    "npm_config_audit": "false",
    "npm_config_fund": "false",
    "npm_config_update_notifier": "false",
    # The certificates that the system trusts, which a mirror may need
    "DENO_TLS_CA_STORE": "system",
    "NODE_USE_SYSTEM_CA": "1",
    # Nobody is there to answer
    "COREPACK_ENABLE_DOWNLOAD_PROMPT": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "PIP_NO_INPUT": "1",
    "POETRY_NO_INTERACTION": "1",
}

OFFLINE_HINTS = {
    # Where there is no network, nobody waits for one: what is asked for is there, or the command fails at once.
    "BUNDLE_RETRY": "0",
    "CARGO_NET_OFFLINE": "true",
    "COMPOSER_DISABLE_NETWORK": "1",
    "GOPROXY": "off",
    "PIP_RETRIES": "0",
    "UV_OFFLINE": "1",
    "YARN_ENABLE_NETWORK": "0",
    "npm_config_offline": "true",
}
