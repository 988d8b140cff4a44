import { type PageFile, pageHeaders } from '@pontage/shared/node'
import type { HttpAnswer, HttpRoute } from '../io/link/httpRoutes.js'
import type { Components } from './components.js'
import { createAnchors } from './liabilities/anchors.js'
import { leafRoute, liabilitiesRoute } from './liabilities/routes.js'
import { marketRoute, proposalsRoute } from './market/proposals.js'
import { health, readiness } from './operator/health.js'
import type { Metrics } from './operator/metrics.js'
import { aboutRoute } from './requests/about.js'
import type { Services } from './services.js'

/** What the hub's port answers to a plain GET. */
export const pagesOf = (
  components: Components,
  { market, publisher, gas }: Services,
  metrics: Metrics,
  isDraining: () => boolean,
  files: ReadonlyMap<string, PageFile>,
): Readonly<Record<string, HttpRoute>> => ({
  ...fileRoutes(files),
  '/about': aboutRoute(components),
  '/healthz': () => health(components),
  '/readyz': () => readiness(components, isDraining()),
  '/proposals': proposalsRoute(components.chain, market),
  '/market': marketRoute(components.chain, market),
  '/liabilities': liabilitiesRoute(components.chain, publisher),
  '/liabilities/leaf': leafRoute(publisher, createAnchors(components)),
  '/metrics': (_query, from) =>
    components.settings.publicMetrics || isLoopback(from) ? metrics.page(components, gas) : metricsAreHidden,
})

/** Pages for a browser, made before anybody asks: nothing in them is of strangers, and they can do nothing. */
const fileRoutes = (files: ReadonlyMap<string, PageFile>): Record<string, HttpRoute> =>
  Object.fromEntries(
    [...files].map(([path, { type, content }]) => [
      path,
      () => ({ status: 200, body: content, contentType: type, headers: pageHeaders }),
    ]),
  )

const isLoopback = (from: string): boolean => /^(::ffff:)?127\.|^::1$/.test(from)

const metricsAreHidden: HttpAnswer = {
  status: 403,
  body: {
    error: 'Metrics are shown only to the hub’s own machine. Its operator can run it with --public-metrics.',
  },
}
