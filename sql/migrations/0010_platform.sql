-- Reading across tenants, for principals of the platform; see docs/design/search.md. Locks: ACCESS
-- EXCLUSIVE on events, event_entities and tenants for the time of some entries in the catalogue.
SET LOCAL ROLE annals_owner;

GRANT SELECT ON annals.events, annals.event_entities TO annals_platform;
GRANT SELECT (tenant_id, kept_days, held_from, presence) ON annals.tenants TO annals_platform;

CREATE POLICY across ON annals.events FOR SELECT TO annals_platform
    USING (true);
CREATE POLICY across ON annals.event_entities FOR SELECT TO annals_platform
    USING (true);
CREATE POLICY across ON annals.tenants FOR SELECT TO annals_platform
    USING (true);
-- One that lives elsewhere is seen there.
CREATE POLICY here ON annals.tenants AS RESTRICTIVE FOR SELECT TO annals_platform
    USING (presence <> 'hidden');

-- What a tenant cannot see of its own, nobody sees across tenants: what it does not keep any more, and all of
-- a tenant whose row is not seen here. The list of those who keep everything is made once a statement and
-- hashed; a row of another tenant costs a look at that tenant's row. Searches name the same bound
-- themselves, so that an index ends at it.
CREATE POLICY kept_across ON annals.events AS RESTRICTIVE FOR SELECT TO annals_platform
    USING (tenant_id IN (SELECT t.tenant_id FROM annals.tenants AS t WHERE t.kept_days IS NULL)
           OR "timestamp" >= (SELECT least(now() - t.kept_days * interval '24 hours', t.held_from)
                              FROM annals.tenants AS t
                              WHERE t.tenant_id = events.tenant_id AND t.kept_days IS NOT NULL));
CREATE POLICY kept_across ON annals.event_entities AS RESTRICTIVE FOR SELECT TO annals_platform
    USING (tenant_id IN (SELECT t.tenant_id FROM annals.tenants AS t WHERE t.kept_days IS NULL)
           OR "timestamp" >= (SELECT least(now() - t.kept_days * interval '24 hours', t.held_from)
                              FROM annals.tenants AS t
                              WHERE t.tenant_id = event_entities.tenant_id AND t.kept_days IS NOT NULL));
