"""Adapters become the story: what its parts get from each other, and the names of its workflows."""

from __future__ import annotations

from dataclasses import dataclass

from bot.adapters import has_homes
from bot.advisers import Advice, Advisers
from bot.approval import Approvals, WaitingRoom
from bot.batches import BatchBoard
from bot.core.environment.help import HelpPolicy
from bot.core.render.page_links import NO_PAGES, PageLinks
from bot.core.text.outgoing import Redactor
from bot.engine import Engine
from bot.environment import EnvironmentOptions, Environments
from bot.finish import Conclusion
from bot.intake import Intake
from bot.judging import Court, CrossExamination, Judge, Prober, Timeouts, Trimmer
from bot.onlookers import server_limits as server_limits
from bot.ports import World
from bot.publish import Publisher
from bot.pull_text import PullText
from bot.push import Pusher
from bot.reconciliation import Reconciliation
from bot.registries import SetUpReach, this_host
from bot.republish import Republication
from bot.restoration import Restoration
from bot.revise import Reviser
from bot.run import Runner, RunOptions
from bot.sandbox.local.base import LocalSandboxes
from bot.settings import Settings
from bot.solve import Ending, Solver, SolverOptions
from bot.stale_pulls import StalePulls
from bot.status_comment import StatusBoard, TellOutage, no_outage
from bot.update_branch import Updating
from bot.use_candidate import Exchange
from bot.version_upgrade import Anew

WORKSPACE_LIMIT = 1024**3  # bytes of a workspace that are looked at for a candidate


@dataclass(frozen=True, slots=True)
class Bot:
    """The story on top of a world."""

    world: World
    engine: Engine
    judge: Judge
    board: StatusBoard
    solver: Solver
    intake: Intake
    reconciliation: Reconciliation
    stale: StalePulls


def redactor(settings: Settings) -> Redactor:
    """By exact value and by shape, for everything that leaves."""
    return Redactor(settings.secrets)


def environment_options(settings: Settings) -> EnvironmentOptions:
    return EnvironmentOptions(
        settings.setup_hosts,
        SetUpReach(settings.setup_hosts, this_host()),
        settings.setup_timeout,
        settings.search_minutes * 60,
        WORKSPACE_LIMIT,
        has_homes(settings),
    )


def help_policy(settings: Settings) -> HelpPolicy:
    return HelpPolicy(settings.setup_agent, settings.setup_agent_dollars, settings.setup_agent_steps)


def solver_options(settings: Settings) -> SolverOptions:
    longest = max(settings.command_timeout, settings.test_timeout)
    return SolverOptions(server_limits(settings), settings.command_timeout, longest, help_policy(settings))


def make_anew_elsewhere(settings: Settings, world: World, environments: Environments) -> None:
    """Where workers have a disk each, a snapshot that is on another one's is made anew."""
    if has_homes(settings) and isinstance(world.sandboxes, LocalSandboxes):
        world.sandboxes.restore = Restoration(world.store, world.sandboxes, environments).restore


def assemble(settings: Settings, world: World, engine: Engine, tell_outage: TellOutage = no_outage) -> Bot:
    """Wire the story to the world and give its workflows their names. Before the engine is launched."""
    hide = redactor(settings)
    links = PageLinks(settings.public_url) if settings.pages else NO_PAGES
    batches = BatchBoard(world.github, world.store, hide)
    board = StatusBoard(world.github, world.store, hide, tell_outage, links, batches)
    conclusion = Conclusion(world.github, world.store, world.sandboxes, board, engine, world.clock)
    timeouts = Timeouts(settings.test_timeout, settings.command_timeout)
    judge = Judge(world.mirrors, world.sandboxes, timeouts, times=settings.baseline_repeats, secrets=settings.secrets)
    cross_examination = CrossExamination(world.mirrors, world.sandboxes, timeouts)
    prober = Prober(world.mirrors, world.sandboxes, timeouts)
    publisher = Publisher(world.github, world.mirrors, world.store, hide, links)
    environments = Environments(world, judge, environment_options(settings))
    solver = Solver(
        world,
        engine,
        environments,
        Court(judge, cross_examination, prober, Trimmer(judge, cross_examination, prober)),
        Advisers(world, Advice(settings.issue_tests, settings.comparer)),
        board,
        Ending(publisher, WaitingRoom(world.store, board, conclusion, world.clock), conclusion),
        solver_options(settings),
    )
    runner = Runner(world, judge, hide, RunOptions(WORKSPACE_LIMIT, has_homes(settings)))
    text = PullText(world.github, world.store, hide, links)
    server, site = server_limits(settings), settings.server_url
    intake = Intake(world.github, world.store, engine, conclusion, world.clock, server, hide, site, batches, text)
    reviser = Reviser(world, solver, judge, Pusher(world, judge, hide), board, conclusion, hide, text)
    make_anew_elsewhere(settings, world, environments)
    anew = Anew(world.store, engine, solver, reviser, runner, conclusion)
    engine.register("intake", intake.handle)
    engine.register("solve", solver.solve, anew=anew.solve)
    engine.register("revise", reviser.revise, anew=anew.revise)
    engine.register("run", runner.run, queued=True, anew=anew.run)
    engine.register("update", Updating(world, engine, intake.reviews, text, hide, intake.claim).update)
    engine.register("use", Exchange(world, board, hide).use)
    engine.register("republish", Republication(world, publisher, board).publish)
    approvals = Approvals(world, publisher, board, conclusion, solver.to_its_end)
    engine.register("publish approved", approvals.publish)
    engine.register("end unapproved", approvals.end)
    engine.register("give up", conclusion.give_up)
    reconciliation = Reconciliation(world.github, world.store, engine, board, conclusion, world.clock)
    engine.register("call off", reconciliation.call_off)
    stale = StalePulls(world.github, world.store, engine, world.clock, text)
    return Bot(world, engine, judge, board, solver, intake, reconciliation, stale)
