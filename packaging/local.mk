# Units for systemd, made from one text for the three applications; samples of configurations.
# Where they go can be changed: make install systemdunitdir=DIR ...
systemdunitdir = $(prefix)/lib/systemd/system
sysusersdir = $(prefix)/lib/sysusers.d
tmpfilesdir = $(prefix)/lib/tmpfiles.d

AN_APP_UNITS = \
	packaging/systemd/annals-admin.service \
	packaging/systemd/annals-admin.socket \
	packaging/systemd/annals-ingest.service \
	packaging/systemd/annals-ingest.socket \
	packaging/systemd/annals-search.service \
	packaging/systemd/annals-search.socket
nodist_systemdunit_DATA = $(AN_APP_UNITS) packaging/systemd/annals-partition.service
dist_systemdunit_DATA = \
	packaging/systemd/annals-partition.timer \
	packaging/systemd/annals.target

$(AN_APP_UNITS) packaging/systemd/annals-partition.service: packaging/systemd/make-unit.sh packaging/systemd/hardening.conf \
		packaging/systemd/annals-app.service.in packaging/systemd/annals-app.socket.in \
		packaging/systemd/annals-partition.service.in
	$(AM_V_GEN)$(MKDIR_P) packaging/systemd && \
	pkglibexecdir='$(pkglibexecdir)' sbindir='$(sbindir)' \
	    $(SHELL) $(srcdir)/packaging/systemd/make-unit.sh $(srcdir)/packaging/systemd $(@F) >$@.tmp && mv $@.tmp $@
CLEANFILES += $(nodist_systemdunit_DATA)

install-data-local:
	$(MKDIR_P) $(DESTDIR)$(sysusersdir) $(DESTDIR)$(tmpfilesdir)
	$(INSTALL_DATA) $(srcdir)/packaging/systemd/sysusers.conf $(DESTDIR)$(sysusersdir)/annals.conf
	$(INSTALL_DATA) $(srcdir)/packaging/systemd/tmpfiles.conf $(DESTDIR)$(tmpfilesdir)/annals.conf
uninstall-local:
	rm -f $(DESTDIR)$(sysusersdir)/annals.conf $(DESTDIR)$(tmpfilesdir)/annals.conf

# Samples: the configuration (what "annalsctl config dump" prints, which a test compares) and the web servers'.
dist_pkgdata_DATA = packaging/annals.conf
sampleapachedir = $(pkgdatadir)/apache
dist_sampleapache_DATA = \
	packaging/apache/annals.conf \
	packaging/apache/balancer.conf \
	packaging/apache/pair.conf
samplenginxdir = $(pkgdatadir)/nginx
dist_samplenginx_DATA = packaging/nginx/annals.conf
samplelighttpddir = $(pkgdatadir)/lighttpd
dist_samplelighttpd_DATA = \
	packaging/lighttpd/50-annals.conf \
	packaging/lighttpd/annals.conf \
	packaging/lighttpd/balancer.conf \
	packaging/lighttpd/one.conf

EXTRA_DIST += \
	packaging/README.md \
	packaging/container/Containerfile \
	packaging/kubernetes/admin.yaml \
	packaging/kubernetes/annals.conf \
	packaging/kubernetes/ingest.yaml \
	packaging/kubernetes/ingress.example.yaml \
	packaging/kubernetes/jobs.yaml \
	packaging/kubernetes/kustomization.yaml \
	packaging/kubernetes/lighttpd.conf \
	packaging/kubernetes/network-policy.yaml \
	packaging/kubernetes/search.yaml \
	packaging/kubernetes/secrets.example.yaml \
	packaging/systemd/annals-app.service.in \
	packaging/systemd/annals-app.socket.in \
	packaging/systemd/annals-partition.service.in \
	packaging/systemd/hardening.conf \
	packaging/systemd/make-unit.sh \
	packaging/systemd/sysusers.conf \
	packaging/systemd/tmpfiles.conf
