import { show } from '../../shared/pages/show.js'
import { DoctorPage } from './doctor.js'
import { EarningsPage } from './earnings.js'
import { Now } from './now.js'
import { OfferPage } from './offer.js'
import { Retire } from './retire.js'
import { Sessions } from './sessions.js'
import { SettingsPage } from './settings.js'
import { texts } from './texts.js'

show(
  texts.program,
  texts.tabs,
  {
    now: Now,
    sessions: Sessions,
    earnings: EarningsPage,
    offer: OfferPage,
    settings: SettingsPage,
    doctor: DoctorPage,
    retire: Retire,
  },
  ['now'],
)
