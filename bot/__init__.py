"""Solvebot: an issue goes in, the champion of several attempts comes out as a pull request.

The words. An *issue* is GitHub's. A *trigger* is what asked for a solve: a label, a comment, the command line. A
*solve* is one answer to one trigger. An *experiment* is a planned attempt (model, temperature, strategy), a *run* is
one being carried out in a sandbox, a *candidate* is the patch that a run produced. *Evidence* is what we observed about
a candidate by running things, the *decision* is the ranked evidence and the outcome, the *champion* is the one chosen.

The map. Imports point inward only: from the bottom of this list to its top, never between adapters.

    core/          decisions: pure functions whose docstrings are the policies
        model/         the nouns       render/    every sentence we say       text/    what may be read, and may be said
        trigger/       events, commands, options, configuration: is there a solve, and what may it cost?
        environment/ runners/ reports/      how a repository is set up and tested, and what its runner says
        access.py views.py viewing.py listing.py conversation.py      who may see what, and in which form
        candidate/     what a patch is: its files, gates, hunks, likeness to others
        evidence/      what running it showed       choosing/    which one is right, and how sure that is
        resilience/    retries, circuit breaker, plans of services       operations/    deployment, set-up, isolation
    ports/         all we ask of the world, a page for each
    github/ sandbox/ agent/ store/    adapters      inbox.py  deliveries at rest      engine/  durable workflows
    declared_settings.py setting_rules.py setting_readers.py settings.py      the environment, read once
    logs.py data_directory.py      events with keys, without secrets; DATA_DIR
    receiver_process.py                         `serve` receives in a process of its own
    clock.py findings.py                        the time; what was found out about a bot
    checkout.py    the base commit, its past and its submodules, put into a sandbox
    judging/       evidence: what happens when things are run
    solve.py       the story, from top to bottom; its parts:
    run_queue.py run.py rounds.py comparison.py status_comment.py publish.py finish.py
    environment.py setup_agent.py     the environment: plans that are tried, and an agent that looks where none holds
    advisers.py    models without a candidate of their own: tests from the issue alone, a word between near ties
    revise.py push.py                 what a reviewer asks for, as one commit on top of the branch
    reviews.py     a review, a comment on a line -> a revision
    repairs.py failing_checks.py known_heads.py      a failing check on a commit of ours -> a revision
    update_branch.py pull_text.py     /solve update: the base branch merged in; the text of a pull request
    stale_pulls.py own_check.py buttons.py      a base branch that goes on; the check run of our own, and its buttons
    intake.py      delivery -> refused, answered, cancelled, or a started solve
    command_dispatch.py               each command, label and review -> what answers it
    starts.py batches.py              is there anything to solve? one issue, or several by one comment
    approval.py approval_requests.py  publish: after-approval: a champion that waits, and what people answer
    questions.py                      /solve why: which step changed it, out of what is stored
    actions.py authorization.py cancellation.py      what a delivery comes to, who may ask, what ends a solve
    version_upgrade.py                what an upgrade finds in flight and cannot read
    publish_precheck.py               could the champion be published at all? asked before the first dollar
    republish.py   /solve retry where only the publication failed
    access_tokens.py                  tokens for the API, made and ended
    configuration.py                  what the repository says, read from its default branch
    propose_configuration.py          another text of it, as a pull request
    use_candidate.py                  /solve use B: another candidate for the open pull request
    outcomes.py branch_cleanup.py     what became of champions, and of branches that nobody wants
    installations.py                  where the App is installed, and which repositories there are
    agent_sandbox.py lost_sandbox.py  the sandbox of an agent, and what is done again when one is lost
    heartbeat.py restoration.py reconciliation.py    a fleet: who lives, what is made anew elsewhere, what was missed
    disk_checks.py this machine's disk and backups, for the operator
    web/           POST /webhook, /healthz, /readyz, /metrics; receiving.py is the process that does only this
                   api/ below /api/v1, reading.py what may be seen there, events.py what happens
    worker.py      what goes on beside the workflows
    polling.py     deliveries for a bot that GitHub cannot reach
    notifying.py   the operator's own address, told what becomes of solves
    registries.py  asks this machine's package managers what set-up may reach
    onlookers.py pages.py             the API and pages, opened when somebody first asks for them
    adapters.py assembly.py app.py    settings -> adapters -> the story -> a server: where all of it is put together
    checks.py      what can be known without the network: the doctor asks, and every start
    deployment.py  a deployment, looked at from outside; core/operations/deployment.py judges it
    rollout/       solvebot up: a release in place of the one before; core/operations/rollout.py says how
    remote.py      a server elsewhere, asked through its API
    cli.py models_cli.py tokens_cli.py sandboxes_cli.py remote_cli.py command_line.py
    onboarding/ doctor.py app_checks.py local_solve.py sandboxes_command.py tokens_command.py
    terminal_tables.py demo/          for people at a terminal
    simulators/    GitHub, a provider of models and E2B, as servers, for the demo and the tests
"""

__version__ = "0.2.0"
