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
QUOTED: Mapping[str, str] = {
    "en": "Our documents say, in {}: “{}”",
    "fr": "Nos documents disent, en {} : « {} »",
    "es": "Nuestros documentos dicen, en {}: «{}»",
    "de": "In unseren Unterlagen steht, auf {}: „{}“",
    "ar": "جاء في وثائقنا، {}: «{}»",
}
"""What is left in its own language, since there is no translating without a model: said as a quotation."""
IN_LANGUAGE: Mapping[str, Mapping[str, str]] = {
    "en": {"en": "English", "fr": "French", "es": "Spanish", "de": "German", "ar": "Arabic"},
    "fr": {"en": "anglais", "fr": "français", "es": "espagnol", "de": "allemand", "ar": "arabe"},
    "es": {"en": "inglés", "fr": "francés", "es": "español", "de": "alemán", "ar": "árabe"},
    "de": {"en": "Englisch", "fr": "Französisch", "es": "Spanisch", "de": "Deutsch", "ar": "Arabisch"},
    "ar": {"en": "بالإنجليزية", "fr": "بالفرنسية", "es": "بالإسبانية", "de": "بالألمانية", "ar": "بالعربية"},
}
