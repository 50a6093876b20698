"""Every refusal of the connector's own, in the words of people: what happened, and what to do next.

docs/errors.md lists them all for callers; a test compares.
"""

from collections.abc import Mapping
from typing import Final, Literal

from connector.application.refusals import (
    AccessReadOnly,
    AlreadyConnected,
    AppleAccountInUse,
    AppleIdNeeded,
    CalendarNotWritable,
    CalendarUnsupported,
    ChoiceOutdated,
    DifferentAppleAccount,
    HeldOtherwise,
    NobodyToAsk,
    NoSuchConnection,
    TooManyAttempts,
    TooMuchUntold,
    TooSoon,
    UnknownCalendar,
    UnknownTimeZone,
)
from icloud import CalendarNotEnabled, CredentialsRejected, NotUnderstood, TryLater

Title = Mapping[str, str]
Field = Literal["apple_id", "app_password", "time_zone"]
Refusal = tuple[int, str, Title]
"""Status, code, title."""

UNAVAILABLE: Final[Refusal] = (
    503,
    "temporarily_unavailable",
    {
        "en": "We cannot do this at the moment. Nothing is lost; try again soon.",
        "fr": "Cette action est momentanément impossible. Rien n'est perdu ; réessayez bientôt.",
    },
)
USER_ID_NEEDED: Final[Refusal] = (
    422,
    "user_id_needed",
    {
        "en": "A service's token asks for one user: add user_id to the query.",
        "fr": "Le jeton d'un service porte sur un utilisateur : ajoutez user_id à la requête.",
    },
)
MALFORMED: Final[Mapping[Field, Title]] = {  # all of them: 422 `credentials_malformed`
    "apple_id": {
        "en": "This is not an Apple ID. Enter the e-mail address that you sign in to Apple with.",
        "fr": "Ceci n'est pas un identifiant Apple. Saisissez l'adresse e-mail avec laquelle vous vous connectez "
        "à Apple.",
    },
    "app_password": {
        "en": "This is not an app-specific password: it has sixteen letters, in groups of four. Create one at "
        "account.apple.com and paste it here. Your usual Apple password will not work.",
        "fr": "Ceci n'est pas un mot de passe pour application : il compte seize lettres, par groupes de quatre. "
        "Créez-en un sur account.apple.com et collez-le ici. Votre mot de passe Apple habituel ne fonctionnera pas.",
    },
    "time_zone": {
        "en": "This time zone is unknown. Choose one from the list, such as Europe/Paris.",
        "fr": "Ce fuseau horaire est inconnu. Choisissez-en un dans la liste, par exemple Europe/Paris.",
    },
}

REFUSALS: Final[Mapping[type[Exception], Refusal]] = {
    CredentialsRejected: (
        422,
        "credentials_rejected",
        {
            "en": "Apple did not accept this Apple ID with this app-specific password. Check the Apple ID, or create "
            "a new app-specific password at account.apple.com: changing your Apple password revokes all of them.",
            "fr": "Apple n'a pas accepté cet identifiant avec ce mot de passe pour application. Vérifiez "
            "l'identifiant, ou créez un nouveau mot de passe pour application sur account.apple.com : changer votre "
            "mot de passe Apple les révoque tous.",
        },
    ),
    CalendarNotEnabled: (
        422,
        "icloud_calendar_not_enabled",
        {
            "en": "This Apple account has no iCloud Calendar. Switch Calendar on in the iCloud settings of your "
            "device, then try again.",
            "fr": "Ce compte Apple n'a pas de calendrier iCloud. Activez Calendrier dans les réglages iCloud de votre "
            "appareil, puis réessayez.",
        },
    ),
    TryLater: (
        503,
        "icloud_unavailable",
        {
            "en": "iCloud does not answer at the moment. Nothing was stored; try again in a few minutes.",
            "fr": "iCloud ne répond pas pour le moment. Rien n'a été enregistré ; réessayez dans quelques minutes.",
        },
    ),
    NotUnderstood: (
        502,
        "icloud_not_understood",
        {
            "en": "iCloud answered in a way that we do not understand. Nothing was stored; our team has been told. "
            "Try again later.",
            "fr": "La réponse d'iCloud est incompréhensible pour nous. Rien n'a été enregistré ; notre équipe est "
            "prévenue. Réessayez plus tard.",
        },
    ),
    TooManyAttempts: (
        429,
        "too_many_attempts",
        {
            "en": "There were too many attempts. Nothing was sent to Apple. Try again later.",
            "fr": "Il y a eu trop d'essais. Rien n'a été envoyé à Apple. Réessayez plus tard.",
        },
    ),
    AlreadyConnected: (
        409,
        "already_connected",
        {
            "en": "You have already connected an iCloud calendar here. Disconnect it before you connect another.",
            "fr": "Vous avez déjà connecté un calendrier iCloud ici. Déconnectez-le avant d'en connecter un autre.",
        },
    ),
    AppleAccountInUse: (
        409,
        "apple_account_in_use",
        {
            "en": "This Apple account is in use in another CrocoClick account. Disconnect it there, or connect another "
            "Apple account.",
            "fr": "Ce compte Apple est utilisé dans un autre compte CrocoClick. Déconnectez-le là-bas, ou connectez un "
            "autre compte Apple.",
        },
    ),
    NoSuchConnection: (
        404,
        "connection_not_found",
        {
            "en": "There is no such connection. Reload the page to see the current one.",
            "fr": "Cette connexion n'existe pas. Rechargez la page pour voir la connexion actuelle.",
        },
    ),
    DifferentAppleAccount: (
        409,
        "different_apple_account",
        {
            "en": "This password belongs to another Apple account than the one connected here. Use a password of the "
            "connected account, or disconnect it first and then connect the other.",
            "fr": "Ce mot de passe est celui d'un autre compte Apple que celui connecté ici. Utilisez un mot de passe "
            "du compte connecté, ou déconnectez-le d'abord, puis connectez l'autre.",
        },
    ),
    AppleIdNeeded: (
        422,
        "apple_id_needed",
        {
            "en": "Enter your Apple ID as well: we do not have it any more.",
            "fr": "Saisissez aussi votre identifiant Apple : nous ne l'avons plus.",
        },
    ),
    UnknownCalendar: (
        422,
        "unknown_calendar",
        {
            "en": "This calendar does not exist in iCloud any more. Reload the list of calendars and choose again.",
            "fr": "Ce calendrier n'existe plus dans iCloud. Rechargez la liste des calendriers et choisissez à "
            "nouveau.",
        },
    ),
    CalendarUnsupported: (
        422,
        "calendar_unsupported",
        {
            "en": "Subscribed calendars and lists of reminders cannot be used. Choose another calendar.",
            "fr": "Les calendriers avec abonnement et les listes de rappels ne peuvent pas être utilisés. Choisissez "
            "un autre calendrier.",
        },
    ),
    CalendarNotWritable: (
        422,
        "calendar_not_writable",
        {
            "en": "Apple does not let you write into this calendar. Choose one of your own for your appointments.",
            "fr": "Apple ne vous permet pas d'écrire dans ce calendrier. Choisissez-en un à vous pour vos rendez-vous.",
        },
    ),
    AccessReadOnly: (
        422,
        "access_read_only",
        {
            "en": "You allowed reading only, so appointments cannot be written into a calendar. To change this, "
            "disconnect and connect again with full access.",
            "fr": "Vous n'avez autorisé que la lecture : aucun rendez-vous ne peut être écrit dans un calendrier. "
            "Pour changer cela, déconnectez le calendrier, puis connectez-le à nouveau avec l'accès complet.",
        },
    ),
    UnknownTimeZone: (422, "unknown_time_zone", MALFORMED["time_zone"]),
    ChoiceOutdated: (
        412,
        "changed_meanwhile",
        {
            "en": "The setup or the calendars have changed since you looked. Nothing was saved: look at the connection "
            "again, then choose again.",
            "fr": "La configuration ou les calendriers ont changé depuis votre consultation. Rien n'a été enregistré : "
            "consultez de nouveau la connexion, puis choisissez à nouveau.",
        },
    ),
    HeldOtherwise: (
        409,
        "held_otherwise",
        {
            "en": "What is missing in iCloud is not what you saw. Nothing was removed: look at it again, then decide.",
            "fr": "Ce qui manque dans iCloud n'est pas ce que vous avez vu. Rien n'a été supprimé : consultez-le de "
            "nouveau, puis décidez.",
        },
    ),
    TooSoon: (
        429,
        "too_soon",
        {
            "en": "We are already looking at iCloud. Wait a few seconds before you ask again.",
            "fr": "Nous consultons déjà iCloud. Attendez quelques secondes avant de redemander.",
        },
    ),
    TooMuchUntold: (
        503,
        "not_told_yet",
        {
            "en": "The password is good, but our services have not taken over your last reconnections yet. Nothing was "
            "changed. Try again in a few minutes; if that does not help, disconnect, then connect again.",
            "fr": "Le mot de passe est bon, mais nos services n'ont pas encore pris en compte vos dernières "
            "reconnexions. Rien n'a été modifié. Réessayez dans quelques minutes ; si cela ne suffit pas, "
            "déconnectez le calendrier, puis connectez-le à nouveau.",
        },
    ),
    NobodyToAsk: UNAVAILABLE,
}
