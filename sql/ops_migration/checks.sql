-- fail: migration_once
-- Each migration is on record once, and none before it is missing.
-- do: do not run two versions of the program on one lake; `sql/migrations` has what a number means.
SELECT number, count(*) AS rows,
       number - coalesce(lag(number) OVER (ORDER BY number), number - 1) AS step
FROM lake.market.ops_migration
GROUP BY number
QUALIFY count(*) > 1 OR step <> 1
ORDER BY number
