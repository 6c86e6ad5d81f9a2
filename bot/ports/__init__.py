"""All we ask of the world, a page for each port, and the errors it may answer with.

Adapters implement these; the story sees nothing else. Every method may be called again after a crash with the same
arguments and must then find what the first call left behind.

    WorldError
    ├── Unavailable           try again later: 5xx, connection, rate limit; the adapter has already retried
    │   ├── Unclear           as before, but it may have been done
    │   ├── LeftAlone         nobody was asked: the service has failed too often lately
    │   ├── StoreAway         our own database: nobody else is to blame, and everything waits for it
    │   └── Crowded           too many requests or machines at the moment: nothing is broken
    ├── Denied                credentials or permissions; retrying is useless, an operator must act
    ├── Gone                  it existed once or was never there: deleted, transferred, uninstalled
    ├── Rejected              our request was understood and refused: validation, protected branch
    │   └── TooMuchText       the model's context is full
    ├── HostBroken            this machine of ours: its disk is full, git does not work; an operator must act
    ├── SandboxLost           the machine went away; its files are gone
    ├── SandboxDiffers        made anew on another machine it is not what it was
    └── SandboxUnusable       isolation cannot be had on this host; `remedy` says what to do

`Unsolvable` stands beside them: it is a person's to put right, and its text is for people. So does `Unwanted`.
"""

from bot.ports.clock import AlarmClock as AlarmClock
from bot.ports.clock import Clock as Clock
from bot.ports.errors import Crowded as Crowded
from bot.ports.errors import Denied as Denied
from bot.ports.errors import Gone as Gone
from bot.ports.errors import HostBroken as HostBroken
from bot.ports.errors import LeftAlone as LeftAlone
from bot.ports.errors import Rejected as Rejected
from bot.ports.errors import SandboxDiffers as SandboxDiffers
from bot.ports.errors import SandboxLost as SandboxLost
from bot.ports.errors import SandboxUnusable as SandboxUnusable
from bot.ports.errors import StoreAway as StoreAway
from bot.ports.errors import TooMuchText as TooMuchText
from bot.ports.errors import Unavailable as Unavailable
from bot.ports.errors import Unclear as Unclear
from bot.ports.errors import Unsolvable as Unsolvable
from bot.ports.errors import Unwanted as Unwanted
from bot.ports.errors import WorldError as WorldError
from bot.ports.github import Commit as Commit
from bot.ports.github import GitHub as GitHub
from bot.ports.github import IssueState as IssueState
from bot.ports.github import Merged as Merged
from bot.ports.github import Merging as Merging
from bot.ports.github import PostedComment as PostedComment
from bot.ports.github import PullState as PullState
from bot.ports.github import Remote as Remote
from bot.ports.github import RepositoryState as RepositoryState
from bot.ports.github import Review as Review
from bot.ports.github import ReviewState as ReviewState
from bot.ports.github import ThreadAnswer as ThreadAnswer
from bot.ports.github import TreeEntry as TreeEntry
from bot.ports.ledger import Ledger as Ledger
from bot.ports.mirrors import Mirrors as Mirrors
from bot.ports.mirrors import PastCommit as PastCommit
from bot.ports.mirrors import TreeFile as TreeFile
from bot.ports.model import Model as Model
from bot.ports.model import Reply as Reply
from bot.ports.requests import Request as Request
from bot.ports.requests import Requests as Requests
from bot.ports.sandboxes import Finished as Finished
from bot.ports.sandboxes import Sandboxes as Sandboxes
from bot.ports.store import Busy as Busy
from bot.ports.store import Full as Full
from bot.ports.store import Store as Store
from bot.ports.store import Tally as Tally
from bot.ports.tokens import Tokens as Tokens
from bot.ports.turns import ChangeTurn as ChangeTurn
from bot.ports.turns import Turns as Turns
from bot.ports.views import News as News
from bot.ports.views import Views as Views
from bot.ports.world import World as World
