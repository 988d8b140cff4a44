import { expect, it } from 'vitest'
import { type Reached, whyUnreached } from './reach.js'

const reached: Reached = { hub: '0x1', endpoint: 'a:1', tried: true, problem: undefined }
const closed: Reached = { ...reached, problem: 'No answer from WireGuard on UDP 51820.' }
const silent: Reached = { ...reached, tried: false, problem: 'Not tried: the hub does not answer.' }

it('counts as unreached when every hub that tried says so, and one at least did', () => {
  expect(whyUnreached([closed, silent])).toBe(closed.problem)
  expect(whyUnreached([closed, reached])).toBeUndefined()
  expect(whyUnreached([silent])).toBeUndefined()
  expect(whyUnreached([])).toBeUndefined()
})
