import type { HttpAnswer, HttpRoute } from '../io/link/httpRoutes.js'
import type { Components } from './components.js'
import { leafRoute, liabilitiesRoute } from './liabilities/routes.js'
import { marketRoute, proposalsRoute } from './market/proposals.js'
import { health, readiness } from './operator/health.js'
import type { Metrics } from './operator/metrics.js'
import type { Services } from './services.js'

/** What the hub's port answers to a plain GET. */
export const pagesOf = (
  components: Components,
  { market, publisher, gas }: Services,
  metrics: Metrics,
  isDraining: () => boolean,
): Readonly<Record<string, HttpRoute>> => ({
  '/healthz': () => health(components),
  '/readyz': () => readiness(components, isDraining()),
  '/proposals': proposalsRoute(components.chain, market),
  '/market': marketRoute(components.chain, market),
  '/liabilities': liabilitiesRoute(components.chain, publisher),
  '/liabilities/leaf': leafRoute(publisher),
  '/metrics': (_query, from) =>
    components.settings.publicMetrics || isLoopback(from) ? metrics.page(components, gas) : metricsAreHidden,
})

const isLoopback = (from: string): boolean => /^(::ffff:)?127\.|^::1$/.test(from)

const metricsAreHidden: HttpAnswer = {
  status: 403,
  body: {
    error: 'Metrics are shown only to the hub’s own machine. Its operator can run it with --public-metrics.',
  },
}
