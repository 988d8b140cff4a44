import { show } from '../../shared/pages/show.js'
import './hub.css'
import { ChannelsPage } from './channels.js'
import { DoctorPage } from './doctor.js'
import { EarningsPage } from './earnings.js'
import { Now } from './now.js'
import { ProvidersPage } from './providers.js'
import { SettingsPage } from './settings.js'
import { texts } from './texts.js'

show(
  texts.program,
  texts.tabs,
  {
    now: Now,
    channels: ChannelsPage,
    providers: ProvidersPage,
    earnings: EarningsPage,
    settings: SettingsPage,
    doctor: DoctorPage,
  },
  ['now'],
)
