"""Short questions of five languages, written before anything was tuned on them: with names and words that
several languages have, and some without capitals, accents or marks, as people write on a telephone.
"""

SHORT_QUESTIONS = {
    "en": """\
Is there parking?
How much is the kettle?
Do you have vegan pizza?
Any desserts?
Open on Sunday?
What is the price of the Kettle Aqua?
Can I pay by card?
Where are you?
Which museums are free?
Got any gluten-free cake?
When does the spa close?
Breakfast included?
Who runs Café Zürich?
Are dogs allowed?
how late is the bar open
Does the Hotel El Sol have a pool?
Is La Terrasse open?
Price of the crème brûlée?
WiFi password?
What time is dinner?""",
    "fr": """\
Y a-t-il un parking ?
Combien coûte la bouilloire ?
Avez-vous des pizzas véganes ?
Des desserts ?
Ouvert le dimanche ?
Quel est le prix du menu ?
C'est combien le lit Haya ?
Où êtes-vous ?
Quels musées sont gratuits ?
Le spa ferme quand ?
Petit-déjeuner compris ?
Qui dirige le Café Zürich ?
Les chiens sont-ils admis ?
vous livrez a Lyon
Acceptez-vous la carte ?
L'hôtel El Sol a une piscine ?
Est-ce que Die Brücke est ouvert ?
Un restaurant ?
Code wifi ?
A quelle heure est le dîner ?""",
    "es": """\
¿Hay aparcamiento?
¿Cuánto cuesta la Cama Haya?
¿Tienen pizza vegana?
¿Postres?
¿Abren el domingo?
Hay piscina?
¿Cuál es el precio del menú?
Donde estan?
¿Qué museos son gratis?
¿Cuándo cierra el spa?
¿Desayuno incluido?
¿Quién dirige el Café Zürich?
¿Se admiten perros?
aceptan tarjeta
cuanto vale la tetera
¿Tiene piscina el Hotel Le Port?
¿Está abierto Die Brücke?
¿Un restaurante?
Clave del wifi?
A que hora es la cena?""",
    "de": """\
Gibt es ein Restaurant?
Was kostet der Käsekuchen?
Habt ihr vegane Pizza?
Nachtisch?
Sonntags offen?
Gibt es Parkplätze?
Wie teuer ist das Bett Haya?
Wo seid ihr?
Welche Museen sind gratis?
Wann schließt das Spa?
Frühstück inklusive?
Wer leitet das Café Zürich?
Sind Hunde erlaubt?
kann man mit karte zahlen
was kostet das menu
Hat das Hotel El Sol einen Pool?
Ist La Terrasse offen?
Liefern Sie nach Lyon?
WLAN Passwort?
Um wie viel Uhr ist das Abendessen?""",
    "ar": """\
هل يوجد موقف سيارات؟
كم سعر الغلاية؟
هل لديكم بيتزا نباتية؟
حلويات؟
مفتوح يوم الأحد؟
أين أنتم؟
كم ثمن سرير Haya؟
متى يغلق السبا؟
هل الإفطار مشمول؟
من يدير Café Zürich؟
هل الكلاب مسموحة؟
وين المطعم
كلمة سر WiFi؟
هل في Hotel El Sol مسبح؟
هل La Terrasse مفتوح؟
ما هو سعر القائمة؟
أي المتاحف مجانية؟
هل تقبلون البطاقة؟
التوصيل إلى Lyon؟
متى العشاء؟""",
}
