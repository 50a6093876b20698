"""Names of elements in Clark notation, by the namespace they belong to."""

_DAV = "{DAV:}"
_CALDAV = "{urn:ietf:params:xml:ns:caldav}"
_CALENDARSERVER = "{http://calendarserver.org/ns/}"
_APPLE = "{http://apple.com/ns/ical/}"

MULTISTATUS = f"{_DAV}multistatus"
RESPONSE = f"{_DAV}response"
HREF = f"{_DAV}href"
STATUS = f"{_DAV}status"
PROPSTAT = f"{_DAV}propstat"
PROP = f"{_DAV}prop"
ERROR = f"{_DAV}error"
SYNC_TOKEN = f"{_DAV}sync-token"

CURRENT_USER_PRINCIPAL = f"{_DAV}current-user-principal"
CALENDAR_HOME_SET = f"{_CALDAV}calendar-home-set"
CALENDAR_USER_ADDRESS_SET = f"{_CALDAV}calendar-user-address-set"

DISPLAYNAME = f"{_DAV}displayname"
RESOURCETYPE = f"{_DAV}resourcetype"
COMPONENT_SET = f"{_CALDAV}supported-calendar-component-set"
COMPONENT = f"{_CALDAV}comp"
PRIVILEGE_SET = f"{_DAV}current-user-privilege-set"
PRIVILEGE = f"{_DAV}privilege"
CTAG = f"{_CALENDARSERVER}getctag"
COLOR = f"{_APPLE}calendar-color"

CALENDAR = f"{_CALDAV}calendar"
SUBSCRIBED = f"{_CALENDARSERVER}subscribed"
SHARED = f"{_CALENDARSERVER}shared"
# RFC 3744 §3 and §5.3: any of these lets an object be created or changed.
WRITING = frozenset({f"{_DAV}all", f"{_DAV}write", f"{_DAV}write-content", f"{_DAV}bind"})

ETAG = f"{_DAV}getetag"
CALENDAR_DATA = f"{_CALDAV}calendar-data"
