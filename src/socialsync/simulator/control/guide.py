"""What somebody who looks in is told: ``GET /_sim/``."""

from pydantic import BaseModel

from socialsync.simulator.faults import ACTIONS
from socialsync.simulator.faults.base import FaultBase, Match
from socialsync.simulator.kinds import Kind


def _parameters(model: type[BaseModel], *, beside: frozenset[str] = frozenset()) -> str:
    """``delay_s, when?``: those with a question mark may be left out."""
    fields = model.model_fields.items()
    told = (name if field.is_required() else f"{name}?" for name, field in fields if name not in beside)
    return ", ".join(told) or "none"


_OF_ALL = frozenset({"action", *FaultBase.model_fields})

GUIDE = {
    "name": "SocialSync simulator",
    "plays": {
        "/v<major>.<minor>/...": "Meta Graph: Instagram publishing, messages, conversations, token refresh,"
        " WhatsApp messages",
        "/v1/...": "OpenAI: embeddings, chat/completions, responses, moderations, models. The same input has"
        " the same answer; texts that mean the like are near, in English, French, Spanish, German and Arabic;"
        " answers are taken from the sources in the prompt; any key is good but one that begins with revoked",
        "/v<major>.<minor>/<media or comment>/...": "Instagram comments, replies, private replies, hiding",
    },
    "control": {
        "GET /_sim/ledger?kind=&account=": "every effect the outside world saw, and request counts",
        "POST /_sim/faults": "order one fault or a list: {match, action, times, skip, probability, ...}",
        "GET /_sim/faults": "the faults ordered, with how often each hit",
        "DELETE /_sim/faults": "take all of them back",
        "POST /_sim/webhooks": "whom to tell: {url, app_secret}; signed calls go to {url}/webhooks/whatsapp"
        " and {url}/webhooks/instagram, until they are answered 200",
        "GET /_sim/webhooks": "who is told, and how many updates were told, wait, were lost or given up",
        "POST /_sim/webhooks/lost": "from now on webhooks are lost for good, as in a long outage; Instagram's"
        " conversations remember what was written",
        "DELETE /_sim/webhooks/lost": "they arrive again",
        "DELETE /_sim/webhooks": "tell nobody any more",
        "POST /_sim/inbound": "make something happen: {statuses: [{id, status, account?, recipient?,"
        " tracker?, at?, error?: {code, title?, details?}}]} of messages sent before or, with account and"
        " recipient, of any; {messages: [{platform, account, person, text? | content?, name?, id?, at?,"
        " echo?}]} of people who write (echo: the account itself, in Instagram's app);"
        " {bodies: [{platform, body}]} for whole bodies, signed and told as they are",
        "POST /_sim/setup": "change some of: processing_reads, processing_s, video_processing_s (of new"
        " containers), quota_total (posts in 24 hours), throughput_per_s (0: no limit), pair_burst (0: no"
        " limit), pair_interval_s, opted_out [recipients], statuses [...], statuses_pause_s",
        "GET /_sim/setup": "all of these as they are",
        "POST /_sim/reset": "forget everything; callback and setup become those of the start again",
        "POST /_sim/inbound/comments": "what people do under media (POST /_sim/inbound takes it too, and"
        " answers comment_ids): {comments: [{media_id, text, username?, person?, parent_id?, own?, at?}]};"
        " {crowds: [{media_id, count, per_s?, texts?}]} for thousands at once or at a pace; {edits: [{id,"
        " text}]}; {deletions: [id]}; {media: [{account, caption?, media_type?, url?, at?}]} published from"
        " elsewhere. Webhooks tell of new ones only",
        "GET /_sim/media/<name>.jpg?width=&height=": "a picture to post",
        "GET /_sim/media/<name>.mp4?width=&height=&seconds=": "a film to post",
        "GET /_sim/pages/<name>": "a page of the web to learn from",
        "GET /_sim/health": "whether it runs",
    },
    "faults": {
        "of any call": "slow, status, error, retry_after, revoke_token, lost_answer, drop, usage",
        "of containers": "container_in_progress, container_error, container_expired",
        "of the webhooks of comments": "no_comments, duplicate_comments {copies}, reorder_comments,"
        " delay_comments {seconds}; with match {account} and times null, for all of an account's",
        "of the statuses of a message": "status_failed {code, title, details}, duplicate_statuses {copies},"
        " reorder_statuses, no_statuses, delay_statuses {seconds}, status_before_answer",
    },
    "parameters of faults": {
        "of all": f"action, {_parameters(FaultBase)}; times null is for ever",
        "match": f"{{{_parameters(Match)}}}",
        "kind": ", ".join(Kind),
        **{action: _parameters(fault, beside=_OF_ALL) for action, fault in sorted(ACTIONS.items())},
    },
}
