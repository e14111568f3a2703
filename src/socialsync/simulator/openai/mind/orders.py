"""Orders to a model that stand in a source or in what a customer wrote: known, so that they are skipped."""

# ruff: noqa: RUF001 - brackets that look alike

import re

from socialsync.simulator.openai.mind.phrasebook import folded

_MARKS = re.compile(
    r"[<‹]/?(?:system|assistant|instructions?|admin|developer)\b"
    r"|^\s*\[(?:system|admin|assistant|developer|root)\]"
    r"|\[/?inst\]|<\|im_|###\s*(?:system|instruction)|begin (?:system|new) prompt",
    re.IGNORECASE | re.MULTILINE,
)
_ROLE = re.compile(r"^\s*(?:system|assistant|developer|admin)\s*:", re.IGNORECASE | re.MULTILINE)
_VERB = (
    r"(?:ignor\w*|disregard\w*|forget|override|bypass|oubli\w*|olvid\w*|omit\w*|desobedec\w*|vergiss\w*"
    r"|vergess\w*|missacht\w*|missachte\w*|تجاهل\w*|انس|انسى|تجاوز)"
)
_OBJECT = (
    r"(?:\w* ?instruction\w*|prompt\w*|rules|directions|guidelines|consigne\w*|regle\w*|instruccion\w*|reglas"
    r"|indicacion\w*|anweisung\w*|regeln|vorgaben|instruktion\w*|التعليمات|تعليمات\w*|تعليماتك|القواعد"
    r"|الاوامر)"
)
_ORDER = re.compile(
    rf"(?<! not)(?<! t)(?<! never)(?<! n)(?<! no) {_VERB} (?!(?:sie )?nicht |pas )(?:\w+ ){{0,6}}{_OBJECT}"
    r"| (?:you are now|you must now|from now on you|pretend (?:to be|you)|roleplay as|respond only"
    r"|reply only|answer only with|only answer with|your new (?:task|role|instructions?)|new instructions?"
    r"|system prompt|reveal your|print your|repeat your (?:prompt|instructions?)|developer mode|jailbreak\w*"
    r"|as an ai|dear (?:ai|model|assistant)|note to (?:the )?(?:ai|model|assistant|llm)|if you are an? (?:ai"
    r"|llm|language model|assistant)|(?:ai|llm|language) (?:model|assistant|agent)s? (?:must|should|reading)"
    r"|(?:the )?(?:assistant|chatbot|bot) (?:must|should|has to|shall|will now)|say exactly"
    r"|(?:every|all) comments? (?:must|should|has to) be"
    r"|(?:answer|reply to|respond to) (?:every|all) (?:\w+ )?comments?"
    r"|as (?:a|the|your) (?:developer|admin|owner) i (?:order|command|instruct)\w*"
    r"|output (?:exactly|only|the)|do not tell the (?:user|customer)|tell (?:the )?(?:user|customer|everyone"
    r"|every customer)s? (?:that|to|you))"
    r"|^ (?:act as an?|agis comme|actua como) "
    r"| (?:tu es (?:maintenant|desormais)|vous etes (?:maintenant|desormais)|a partir de maintenant tu"
    r"|desormais tu|fais semblant|comporte toi comme|reponds? (?:uniquement|seulement)"
    r"|repondez (?:uniquement|seulement)|nouvelles? (?:consignes?|instructions?)|invite systeme"
    r"|prompt systeme|revele (?:ton|tes|votre|vos)|l assistant doit|l ia doit"
    r"|dis (?:exactement|au client|aux clients)|dites (?:exactement|au client|aux clients)"
    r"|(?:desactive|desactivez) (?:la |les )?(?:moderation|filtre\w*|regle\w*)"
    r"|repond(?:s|ez)? (?:\w+ ){0,3}(?:a|sous) tous les commentaires"
    r"|en tant que? (?:developpeur|administrateur|admin) je"
    r"|si tu es une? (?:ia|assistant|modele)|en tant qu ia)"
    r"| (?:ahora eres|a partir de ahora (?:eres|debes)|finge (?:ser|que)"
    r"|responde (?:solo|unicamente)|nuevas? instruccion\w*|revela (?:tu|tus|el)"
    r"|prompt del sistema|el asistente debe|la ia debe"
    r"|desactiva (?:la |las |los )?(?:moderacion|filtro\w*|regla\w*)"
    r"|(?:responde|contesta) (?:\w+ ){0,2}a todos|(?:publica|muestra) (?:\w+ ){0,2}(?:tu|su) configuracion"
    r"|como (?:desarrollador|administrador|admin) te ordeno"
    r"|di exactamente|dile al cliente|diga al cliente|si eres (?:una ia|un asistente|un modelo))"
    r"| (?:du bist (?:jetzt|nun|ab sofort)|sie sind (?:jetzt|nun|ab sofort) ein|ab (?:jetzt|sofort) (?:bist"
    r"|musst|sollst) du|verhalte dich|tu so als|antworte (?:nur|ausschliesslich)|antworten sie (?:nur"
    r"|ausschliesslich)|neue anweisung\w*|systemprompt|system prompt|verrate (?:deine|den|mir deine)"
    r"|der assistent (?:muss|soll)|die ki (?:muss|soll)|sage? (?:genau|dem kunden)"
    r"|deaktivier\w* (?:die |den |alle )?(?:moderation|filter|regeln)"
    r"|als (?:entwickler|admin|administrator) befehle"
    r"|(?:antworte|schreib\w*) (?:\w+ ){0,3}(?:auf|unter) (?:alle|jeden) kommentare?"
    r"|gib (?:alle |mir alle )?(?:\w+ )?(?:kundendaten|daten|anweisungen) (?:\w+ ){0,4}aus"
    r"|falls du eine ki|wenn du eine ki)"
    r"| (?:انت الان|من الان فصاعدا|تظاهر ب\w*|تصرف ك\w*|اجب فقط|رد فقط|تعليمات جديده|اكشف (?:عن )?\w*"
    r"|على المساعد|يجب على المساعد|قل للعميل|قل للزبون|قل بالضبط"
    r"|اذا كنت (?:ذكاء|نموذج|مساعد)\w*)"
)


def is_order(said: str) -> bool:
    """Whether somebody tells a model what to do, or speaks in the name of its masters."""
    return _ROLE.search(said) is not None or is_command(said)


def is_command(sentence: str) -> bool:
    """Whether a sentence tells a model what to do, rather than a customer what is so."""
    return _MARKS.search(sentence) is not None or _ORDER.search(folded(sentence)) is not None
