"""What the model says of its own, in the language of whoever asks."""

from collections.abc import Mapping

UNKNOWN: Mapping[str, str] = {
    "en": "I'm sorry, I don't have that information.",
    "fr": "Je suis désolé, je n'ai pas cette information.",
    "es": "Lo siento, no tengo esa información.",
    "de": "Das weiß ich leider nicht.",
    "ar": "عذراً، لا تتوفر لدي هذه المعلومة.",
}
GREETING: Mapping[str, str] = {
    "en": "Hello! How can I help you?",
    "fr": "Bonjour ! Comment puis-je vous aider ?",
    "es": "¡Hola! ¿En qué puedo ayudarle?",
    "de": "Guten Tag! Wie kann ich Ihnen helfen?",
    "ar": "مرحباً! كيف يمكنني مساعدتك؟",
}
WELCOME: Mapping[str, str] = {
    "en": "You're welcome!",
    "fr": "Avec plaisir !",
    "es": "¡De nada!",
    "de": "Gern geschehen!",
    "ar": "على الرحب والسعة!",
}
HANDED_OVER: Mapping[str, str] = {
    "en": "I'm passing this on to a colleague, who will answer you.",
    "fr": "Je transmets à un collègue, qui vous répondra.",
    "es": "Se lo paso a un compañero, que le responderá.",
    "de": "Ich gebe das an einen Kollegen weiter, der Ihnen antworten wird.",
    "ar": "سأحيل طلبك إلى زميل وسيرد عليك.",
}
