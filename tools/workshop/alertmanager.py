"""Alertmanager as a private instance, with the routes of alertmanager/alertmanager.yml."""

import signal

from .ports import HOST
from .service import Service, http_get


class Alertmanager(Service):
    """It stands alone: without an address for a cluster it looks for no other."""

    name = "alertmanager"

    def command(self):
        return ["prometheus-alertmanager", f"--config.file={self._config}", f"--storage.path={self.data}",
                f"--web.listen-address={HOST}:{self.port}", "--cluster.listen-address="]

    @property
    def _config(self):
        return self.stack.dir / "alertmanager.yml"

    def prepare(self):
        """Runs with a copy of the committed configuration."""
        super().prepare()
        self._config.write_text((self.stack.root / "alertmanager/alertmanager.yml").read_text())

    def ready(self):
        return http_get(self.url + "/-/ready")[0] == 200

    def refresh(self):
        """Has a running one read the configuration again where it changed; True where it did."""
        old = self._config.read_text()
        self.prepare()
        if changed := self._config.read_text() != old:
            self.process.signal(signal.SIGHUP)
        return changed
