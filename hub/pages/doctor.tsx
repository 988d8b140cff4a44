import { Examined } from '../../shared/pages/examined.js'
import { texts } from './texts.js'

/** What `doctor` says of one thing. */
export interface Finding {
  readonly check: string
  readonly ok: boolean
  readonly says: string
}

export const DoctorPage = () => (
  <Examined
    texts={texts.doctor}
    lookOf={({ check, ok, says }: Finding) => ({ about: check, verdict: ok ? 'ok' : 'bad', says })}
  />
)
