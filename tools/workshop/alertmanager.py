"""Alertmanager as a private instance, with the routes of alertmanager/alertmanager.yml, and who receives what it sends."""

import signal
import sys

from .ports import HOST
from .service import Service, http_get


class Alertmanager(Service):
    """It stands alone: without an address for a cluster it looks for no other."""

    name = "alertmanager"
    after = ("notifications",)  # whom it tells of the watchdog at once

    def command(self):
        return ["prometheus-alertmanager", f"--config.file={self._config}", f"--storage.path={self.data}",
                f"--web.listen-address={HOST}:{self.port}", "--cluster.listen-address="]

    @property
    def _config(self):
        return self.stack.dir / "alertmanager.yml"

    def prepare(self):
        """Runs with a copy of the committed configuration that knows where the receiver is."""
        super().prepare()
        text = (self.stack.root / "alertmanager/alertmanager.yml").read_text()
        self._config.write_text(text.replace("http://notifications:9095", self.stack.notifications.url))

    def ready(self):
        return http_get(self.url + "/-/ready")[0] == 200

    def refresh(self):
        """Has a running one read the configuration again where it changed; True where it did."""
        old = self._config.read_text()
        self.prepare()
        if changed := self._config.read_text() != old:
            self.process.signal(signal.SIGHUP)
        return changed


class Notifications(Service):
    """`./workshop logs notifications` shows what it received; see notifications.py."""

    name = "notifications"

    def command(self):
        return [sys.executable, self.stack.root / "tools/workshop/notifications.py", f"{HOST}:{self.port}"]

    def environment(self):
        return {"PYTHONDONTWRITEBYTECODE": "1"}

    def prepare(self):
        """It keeps nothing but its log."""

    def ready(self):
        return http_get(self.url)[0] == 200
