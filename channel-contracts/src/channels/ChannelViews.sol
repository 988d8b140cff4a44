// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IIdentityRegistry} from "../interfaces/IIdentityRegistry.sol";
import {ChannelSettings, Parties} from "../interfaces/IChannelMoney.sol";
import {AccountView, ChannelView, HubView, IChannelViews, TabView} from "../interfaces/IChannelViews.sol";
import {FinalStates} from "../libraries/FinalStates.sol";
import {ChannelStorage} from "./ChannelStorage.sol";

/// @title What can be read of PaymentChannels; see IChannelViews.
/// @dev PaymentChannels makes one in its constructor and hands on to it, by delegatecall, every call that it does not
/// know itself, so the storage read here is that of PaymentChannels. All functions are views: the compiler sees to it
/// that none of them writes.
contract ChannelViews is IChannelViews, ChannelStorage {
    IIdentityRegistry private immutable _REGISTRY;
    address private immutable _TOKEN;
    uint64 private immutable _MAX_GUARANTEE;
    uint64 private immutable _PROTEST_WINDOW;
    uint64 private immutable _EXIT_DELAY;
    uint64 private immutable _WITHDRAWAL_DELAY;
    uint64 private immutable _FEE_NOTICE;
    uint16 private immutable _FEE_CAP;
    uint16 private immutable _DEFAULT_FEE;

    /// @param registry_ That of the PaymentChannels which makes this.
    /// @param settings_ Those of the same.
    constructor(IIdentityRegistry registry_, ChannelSettings memory settings_) {
        _REGISTRY = registry_;
        _TOKEN = registry_.token();
        _MAX_GUARANTEE = settings_.maxGuarantee;
        _PROTEST_WINDOW = settings_.protestWindow;
        _EXIT_DELAY = settings_.exitDelay;
        _WITHDRAWAL_DELAY = settings_.withdrawalDelay;
        _FEE_NOTICE = settings_.feeNotice;
        _FEE_CAP = settings_.feeCapBps;
        _DEFAULT_FEE = settings_.defaultFeeBps;
    }

    /// @inheritdoc IChannelViews
    function channelIdOf(Parties calldata parties) external view returns (bytes32) {
        return FinalStates.channelIdOf(parties.consumer, parties.hub, parties.nonce);
    }

    /// @inheritdoc IChannelViews
    function channelOf(bytes32 channelId) external view returns (ChannelView memory) {
        Channel memory channel = _channels[channelId];
        return ChannelView(channel.status, channel.balance, channel.exitAt, channel.openProtests);
    }

    /// @inheritdoc IChannelViews
    function tabOf(bytes32 channelId, address provider) public view returns (TabView memory) {
        Tab storage tab = _tabs[channelId][provider];
        Trouble storage trouble = _troubles[channelId][provider];
        return TabView({
            drawn: tab.drawn,
            releasedUpTo: tab.releasedUpTo,
            protested: tab.protestEndsAt > 0 ? trouble.protested : 0,
            protestEndsAt: tab.protestEndsAt,
            missingByConsumer: trouble.missingByConsumer,
            missingByHub: trouble.missingByHub
        });
    }

    /// @inheritdoc IChannelViews
    function tabsOf(bytes32 channelId, address[] calldata providers)
        external
        view
        returns (TabView[] memory tabs)
    {
        tabs = new TabView[](providers.length);
        for (uint256 i = 0; i < providers.length; ++i) {
            tabs[i] = tabOf(channelId, providers[i]);
        }
    }

    /// @inheritdoc IChannelViews
    function accountOf(address hub, address provider) public view returns (AccountView memory) {
        Account memory account = _accounts[hub][provider];
        Shortfall memory shortfall = _shortfalls[hub][provider];
        return AccountView(account.credited, account.paid, shortfall.redeeming, shortfall.guaranteed);
    }

    /// @inheritdoc IChannelViews
    function accountsOf(address hub, address[] calldata providers)
        external
        view
        returns (AccountView[] memory accounts)
    {
        accounts = new AccountView[](providers.length);
        for (uint256 i = 0; i < providers.length; ++i) {
            accounts[i] = accountOf(hub, providers[i]);
        }
    }

    /// @inheritdoc IChannelViews
    function hubOf(address hub) external view returns (HubView memory) {
        Hub storage known = _hubs[hub];
        Withdrawal memory pending = _pendingWithdrawal(hub, _WITHDRAWAL_DELAY);
        (uint128 stake, uint32 faults, uint256 debt) = _REGISTRY.securityOf(hub);
        uint16 current = _feeOf(known, _DEFAULT_FEE);
        bool raising = known.feeChangesAt > block.timestamp;
        return HubView({
            pool: known.pool,
            pendingWithdrawal: pending.amount,
            withdrawableAt: pending.withdrawableAt,
            feeBps: current,
            announcedFeeBps: raising ? known.nextFeeBps : current,
            feeChangesAt: raising ? known.feeChangesAt : 0,
            stake: stake,
            faults: faults,
            debt: debt
        });
    }

    /// @inheritdoc IChannelViews
    function repayable(Parties calldata parties, address provider) external view returns (uint256) {
        bytes32 channelId = FinalStates.channelIdOf(parties.consumer, parties.hub, parties.nonce);
        (uint256 missing, uint256 free) = _missingOf(channelId, parties.hub, provider);
        return missing - free;
    }

    /// @inheritdoc IChannelViews
    function feeOf(address hub) external view returns (uint16) {
        return _feeOf(_hubs[hub], _DEFAULT_FEE);
    }

    /// @inheritdoc IChannelViews
    function withheldOf(address owner) external view returns (uint256 amount, uint256 nonce) {
        return (_withheld[owner].amount, _withheld[owner].nonce);
    }

    /// @inheritdoc IChannelViews
    function settings() external view returns (ChannelSettings memory) {
        return ChannelSettings({
            maxGuarantee: _MAX_GUARANTEE,
            protestWindow: _PROTEST_WINDOW,
            exitDelay: _EXIT_DELAY,
            withdrawalDelay: _WITHDRAWAL_DELAY,
            feeNotice: _FEE_NOTICE,
            feeCapBps: _FEE_CAP,
            defaultFeeBps: _DEFAULT_FEE
        });
    }

    /// @inheritdoc IChannelViews
    function token() external view returns (address) {
        return _TOKEN;
    }

    /// @inheritdoc IChannelViews
    function registry() external view returns (address) {
        return address(_REGISTRY);
    }
}
