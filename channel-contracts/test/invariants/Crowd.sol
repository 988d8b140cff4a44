// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    AccountView,
    ChannelStatus,
    ChannelView,
    Draw,
    FinalState,
    Parties,
    Redemption,
    SignedRelease,
    TabView,
    Total
} from "../../src/interfaces/IPaymentChannels.sol";
import {
    Deposit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Unbonding
} from "../../src/interfaces/IIdentityRegistry.sol";
import {World} from "../World.sol";

/// @notice Two of each role: number 0 keeps to docs/protocol.md, number 1 does what it likes. The fuzzer moves them.
contract Crowd is World {
    /// @dev What is known of one provider's promises on one channel, beyond the chain.
    struct Knowledge {
        uint256 promised;
        uint256 ceiling;
        uint64 liveUntil;
        uint256 cleared;
    }

    /// @dev Channels between one consumer and one hub, one after the other.
    uint256 private constant MOST_IN_A_ROW = 6;

    address[2] internal consumers;
    address[2] internal hubs;
    address[2] internal providers;

    /// @dev All channels ever, and the latest between each consumer and each hub.
    Parties[] internal lanes;
    uint256[4] internal latest;
    mapping(bytes32 => mapping(address => Knowledge)) internal known;
    mapping(bytes32 => uint256) internal deposited;
    /// @dev The largest total each hub ever signed for each provider.
    mapping(address => mapping(address => uint256)) internal hubPromised;
    uint256 public honestHubFunded;
    uint256 public honestConsumerSpentAtStart;
    string public broken;

    constructor() {
        vm.warp(START);
        setUp();
        consumers = [consumer, _enter("false consumer", CONSUMER, 20 * WHOLE)];
        hubs = [hub, _enter("false hub", HUB, 1_500 * WHOLE)];
        providers = [provider, _enter("false provider", PROVIDER, 60 * WHOLE)];
        for (uint256 i = 0; i < 4; ++i) {
            latest[i] = i;
            _addLane(Parties(consumers[i % 2], hubs[i / 2], 0));
        }
        _fundBy(hubs[0], 500 * WHOLE);
        _fundBy(hubs[1], 50 * WHOLE);
        honestHubFunded = 500 * WHOLE;
    }

    // ------------------------------------------------------------------ moves

    function openChannel(uint256 lane, uint256 amount) external {
        _openOn(_lane(lane), amount);
    }

    function _openOn(Parties memory parties, uint256 amount) private {
        if (_channel(parties).status != ChannelStatus.None) return _deposit(parties, amount);
        uint256 value = bound(amount, 1, 200 * WHOLE);
        vm.prank(parties.consumer);
        (bool ok,) =
            _try(address(channels), abi.encodeCall(channels.open, (parties.hub, parties.nonce, value)));
        if (ok) deposited[_id(parties)] += value;
    }

    function promiseMore(uint256 lane, uint256 to, uint256 amount) external {
        Parties memory parties = _lane(lane);
        address payee = providers[to % 2];
        bytes32 id = _id(parties);
        if (_channel(parties).status == ChannelStatus.None) {
            _openOn(parties, uint256(keccak256(abi.encode(amount))));
        }
        ChannelView memory channel = _channel(parties);
        if (channel.status != ChannelStatus.Open) return;
        uint256 most = 2 * deposited[id];
        if (parties.consumer == consumers[0]) {
            // An honest consumer never promises more than it has locked, in all.
            most = deposited[id] - known[id][providers[1 - to % 2]].promised;
            if (channel.exitAt > 0) return;
        }
        uint256 value = bound(uint256(keccak256(abi.encode(amount))), 0, most);
        // A provider mostly asks for a guarantee before it serves.
        if (amount % 4 > 0) _guaranteeOn(parties, to, value, amount);
        if (value > known[id][payee].promised) known[id][payee].promised = value;
    }

    function guarantee(uint256 lane, uint256 to, uint256 ceiling, uint256 life) external {
        _guaranteeOn(_lane(lane), to, ceiling, life);
    }

    function _guaranteeOn(Parties memory parties, uint256 to, uint256 ceiling, uint256 life) private {
        address payee = providers[to % 2];
        bytes32 id = _id(parties);
        Knowledge storage knowledge = known[id][payee];
        ChannelView memory channel = _channel(parties);
        uint256 value = bound(ceiling, 1, 300 * WHOLE);
        if (value < knowledge.ceiling && _isLive(knowledge)) value = knowledge.ceiling;
        if (parties.hub == hubs[0]) {
            if (channel.status != ChannelStatus.Open || channel.exitAt > 0) return;
            uint256 reserved = _reserved(parties, payee, value);
            if (reserved > channel.balance) return;
        }
        knowledge.ceiling = value;
        uint64 until = uint64(block.timestamp + bound(life, 1 hours, MAX_GUARANTEE));
        if (until > knowledge.liveUntil) knowledge.liveUntil = until;
    }

    function clear(uint256 lane, uint256 to, uint256 total) external {
        Parties memory parties = _lane(lane);
        address payee = providers[to % 2];
        if (parties.hub == hubs[1]) {
            uint256 any = bound(total, 0, 3_000 * WHOLE);
            if (any > hubPromised[hubs[1]][payee]) hubPromised[hubs[1]][payee] = any;
            return;
        }
        Knowledge storage knowledge = known[_id(parties)][payee];
        uint256 value = knowledge.promised < knowledge.ceiling ? knowledge.promised : knowledge.ceiling;
        if (!_isLive(knowledge) || value <= knowledge.cleared) return;
        AccountView memory account = channels.accountOf(hubs[0], payee);
        uint256 sum = hubPromised[hubs[0]][payee];
        sum += _net(value) - _net(knowledge.cleared);
        uint256 advance = _above(sum, _max(account.credited, account.paid));
        address other = providers[1 - to % 2];
        AccountView memory others = channels.accountOf(hubs[0], other);
        advance += _above(hubPromised[hubs[0]][other], _max(others.credited, others.paid));
        if (advance > channels.hubOf(hubs[0]).pool - channels.hubOf(hubs[0]).pendingWithdrawal) return;
        knowledge.cleared = value;
        hubPromised[hubs[0]][payee] = sum;
    }

    function drawByHub(uint256 lane, uint256 to) external {
        Parties memory parties = _lane(lane);
        address payee = providers[to % 2];
        Knowledge memory knowledge = known[_id(parties)][payee];
        uint256 amount = parties.hub == hubs[0] ? knowledge.cleared : knowledge.promised;
        _drawAsHub(parties, payee, amount);
    }

    function drawGuaranteed(uint256 lane, uint256 to, uint256 amount) external {
        Parties memory parties = _lane(lane);
        address payee = providers[to % 2];
        Knowledge memory knowledge = known[_id(parties)][payee];
        if (!_isLive(knowledge) || knowledge.promised == 0) return;
        uint256 value = payee == providers[0] ? knowledge.promised : bound(amount, 1, knowledge.promised);
        _drawWith(parties, payee, value, knowledge);
    }

    function redeem(uint256 by, uint256 to, bool waiting) external {
        (address payer, address payee) = (hubs[by % 2], providers[to % 2]);
        Redemption memory redemption =
            waiting ? _waiting(payer, payee) : _promised(payer, payee, hubPromised[payer][payee]);
        _try(address(channels), abi.encodeCall(channels.redeem, (redemption)));
    }

    function protest(uint256 lane, uint256 to, uint256 amount) external {
        Parties memory parties = _lane(lane);
        address payee = providers[to % 2];
        uint256 promised = known[_id(parties)][payee].promised;
        if (promised == 0) return;
        uint256 value = bound(amount, 1, promised);
        _protestFor(parties, payee, value);
        _honestHubReacts(parties);
    }

    function settle(uint256 lane, uint256 to) external {
        _try(address(channels), abi.encodeCall(channels.settleProtest, (_lane(lane), providers[to % 2])));
    }

    function leaveAlone(uint256 lane, uint256 luck) external {
        Parties memory parties = _lane(lane);
        ChannelView memory channel = _channel(parties);
        if (channel.exitAt == 0) {
            if (luck % 3 > 0) return;
            vm.prank(parties.consumer);
            _try(address(channels), abi.encodeCall(channels.requestExit, (parties.hub, parties.nonce)));
            _honestHubReacts(parties);
            return;
        }
        address[] memory protesters = new address[](channel.openProtests);
        uint256 count;
        for (uint256 i = 0; i < 2; ++i) {
            if (_tab(parties, providers[i]).protestEndsAt > 0) protesters[count++] = providers[i];
        }
        _try(address(channels), abi.encodeCall(channels.exit, (parties, protesters)));
    }

    function conclude(uint256 lane, uint256 one, uint256 two) external {
        Parties memory parties = _lane(lane);
        bytes32 id = _id(parties);
        // Seldom, so that channels live long enough for the rest to happen.
        if (_channel(parties).status != ChannelStatus.Open || one % 4 > 0) return;
        bool honest = parties.hub == hubs[0] || parties.consumer == consumers[0];
        FinalState memory state = _final(parties);
        state.totals = new Total[](2);
        uint256 releases;
        for (uint256 i = 0; i < 2; ++i) {
            Knowledge memory knowledge = known[id][providers[i]];
            uint256 amount = honest ? knowledge.promised : bound(i == 0 ? one : two, 0, 100 * WHOLE);
            state.totals[i] = Total(providers[i], amount);
            if (parties.hub == hubs[0] && _isLive(knowledge)) ++releases;
        }
        state.releases = new SignedRelease[](releases);
        for (uint256 i = 0; i < 2; ++i) {
            Knowledge memory knowledge = known[id][providers[i]];
            if (parties.hub != hubs[0] || !_isLive(knowledge)) continue;
            state.releases[--releases] =
                _signRelease(parties, providers[i], knowledge.promised, knowledge.liveUntil);
        }
        bytes32 digest = _stateDigest(state, address(channels));
        (bool ok,) = _try(
            address(channels),
            abi.encodeCall(
                channels.conclude,
                (state, _sign(keys[parties.consumer], digest), _sign(keys[parties.hub], digest))
            )
        );
        if (ok && parties.hub == hubs[0]) {
            for (uint256 i = 0; i < 2; ++i) {
                known[id][providers[i]].liveUntil = 0;
            }
        }
    }

    function movePool(uint256 by, uint256 amount, uint256 kind) external {
        address account = hubs[by % 2];
        if (kind % 3 == 0) {
            uint256 value = bound(amount, 1, 100 * WHOLE);
            _fundBy(account, value);
            if (account == hubs[0]) honestHubFunded += value;
        } else if (kind % 3 == 1 && account == hubs[1]) {
            vm.prank(account);
            channels.requestWithdrawal(bound(amount, 0, 1_000 * WHOLE));
        } else if (account == hubs[1]) {
            vm.prank(account);
            _try(address(channels), abi.encodeCall(channels.withdraw, ()));
        }
    }

    function moveStake(uint256 who, uint256 amount, uint256 kind) external {
        address account = who % 2 == 0 ? hubs[1] : consumers[1];
        bytes memory data;
        if (kind % 4 == 0) data = abi.encodeCall(registry.requestUnbonding, (bound(amount, 0, 500 * WHOLE)));
        if (kind % 4 == 1) data = abi.encodeCall(registry.cancelUnbonding, ());
        if (kind % 4 == 2) data = abi.encodeCall(registry.withdrawStake, ());
        if (kind % 4 == 3) data = abi.encodeCall(registry.addStake, (account, bound(amount, 0, 50 * WHOLE)));
        vm.prank(account);
        _try(address(registry), data);
    }

    /// @notice The same for whoever has no gas: a consumer signs, and a stranger sends it for a fee.
    function relayStake(uint256 amount, uint256 kind, uint256 fee) external {
        address account = consumers[1];
        uint256 nonce = registry.standingOf(account).nonce;
        (uint256 relayFee, uint64 deadline) = (bound(fee, 0, WHOLE), uint64(block.timestamp));
        bytes memory data;
        if (kind % 3 == 0) {
            Registration memory registration = Registration(
                account, CONSUMER, bound(amount, 0, 20 * WHOLE), account, "", relayFee, nonce, deadline
            );
            bytes memory signature = _signRegistration(registration);
            data = abi.encodeCall(registry.registerFor, (registration, _noPermit(), signature));
        } else if (kind % 3 == 1) {
            uint256 value = kind % 2 == 0 ? type(uint256).max : bound(amount, 0, 30 * WHOLE);
            Unbonding memory unbonding = Unbonding(account, value, relayFee, nonce, deadline);
            bytes memory signature = _signUnbonding(unbonding);
            data = abi.encodeCall(registry.requestUnbondingFor, (unbonding, _noPermit(), signature));
        } else {
            StakeWithdrawal memory withdrawal = StakeWithdrawal(account, relayFee, nonce, deadline);
            data = abi.encodeCall(registry.withdrawStakeFor, (withdrawal, _signWithdrawal(withdrawal)));
        }
        vm.prank(relayer);
        _try(address(registry), data);
    }

    /// @notice Collateral through a relayer, into whichever channel, by whichever consumer.
    function relayDeposit(uint256 lane, uint256 amount, uint256 fee) external {
        Parties memory parties = _lane(lane);
        address account = parties.consumer;
        uint256 value = bound(amount, 0, 50 * WHOLE);
        // What an honest consumer has at the end is compared with what it promised.
        uint256 relayFee = account == consumers[0] ? 0 : bound(fee, 0, WHOLE);
        Deposit memory deposit = Deposit(
            account,
            parties.hub,
            parties.nonce,
            value,
            relayFee,
            registry.standingOf(account).nonce,
            uint64(block.timestamp)
        );
        bytes memory data = abi.encodeCall(registry.depositFor, (deposit, _noPermit(), _signDeposit(deposit)));
        vm.prank(relayer);
        (bool ok,) = _try(address(registry), data);
        if (ok) deposited[_id(parties)] += value;
    }

    function relayRepayment(uint256 lane, uint256 to, uint256 amount, uint256 fee) external {
        Parties memory parties = _lane(lane);
        if (parties.consumer == consumers[0]) return;
        Repayment memory repayment = Repayment(
            parties.consumer,
            parties.hub,
            parties.nonce,
            providers[to % 2],
            bound(amount, 0, 50 * WHOLE),
            bound(fee, 0, WHOLE),
            registry.standingOf(parties.consumer).nonce,
            uint64(block.timestamp)
        );
        bytes memory data =
            abi.encodeCall(registry.repayFor, (repayment, _noPermit(), _signRepayment(repayment)));
        vm.prank(relayer);
        _try(address(registry), data);
    }

    function changeFee(uint256 bps) external {
        vm.prank(hubs[1]);
        channels.announceFee(uint16(bound(bps, 0, FEE_CAP)));
    }

    function repay(uint256 lane, uint256 to, uint256 amount, bool promised) external {
        Parties memory parties = _lane(lane);
        uint256 value = bound(amount, 0, 50 * WHOLE);
        address payee = providers[to % 2];
        vm.prank(relayer);
        if (promised) {
            _try(address(channels), abi.encodeCall(channels.repayPromise, (parties.hub, payee, value)));
        } else {
            _try(address(channels), abi.encodeCall(channels.repay, (parties, payee, value)));
        }
    }

    /// @notice Time passes, and whoever is honest does before what has to be done in time.
    function pass(uint256 seconds_, uint256 times) external {
        _inTime();
        for (uint256 i = bound(times, 1, 8); i > 0; --i) {
            vm.warp(block.timestamp + bound(seconds_, 1, 5 hours));
            _inTime();
        }
    }

    // ------------------------------------------------------------ the honest ones

    function _inTime() private {
        for (uint256 i = 0; i < lanes.length; ++i) {
            Parties memory parties = lanes[i];
            bytes32 id = knownChannels[i];
            if (parties.hub == hubs[0]) _drawCleared(parties);
            // The honest provider settles, draws what a guarantee covers, and protests what none does.
            TabView memory tab = _tab(parties, providers[0]);
            if (tab.protestEndsAt > 0 && tab.protestEndsAt <= block.timestamp) {
                channels.settleProtest(parties, providers[0]);
                tab = _tab(parties, providers[0]);
            }
            Knowledge memory knowledge = known[id][providers[0]];
            if (knowledge.promised <= _max(tab.drawn, tab.protested)) continue;
            if (_isLive(knowledge) && knowledge.ceiling >= knowledge.promised) {
                _drawWith(parties, providers[0], knowledge.promised, knowledge);
            } else if (tab.protestEndsAt == 0 || block.timestamp + MAX_GUARANTEE <= tab.protestEndsAt) {
                _protestFor(parties, providers[0], knowledge.promised);
                _honestHubReacts(parties);
            }
        }
    }

    function _honestHubReacts(Parties memory parties) private {
        if (parties.hub == hubs[0]) _drawCleared(parties);
    }

    function _drawCleared(Parties memory parties) private {
        for (uint256 i = 0; i < 2; ++i) {
            uint256 cleared = known[_id(parties)][providers[i]].cleared;
            if (cleared > _tab(parties, providers[i]).drawn) _drawAsHub(parties, providers[i], cleared);
        }
    }

    /// @dev Rule 1 of a hub: what it stands for on a channel, if it gave this guarantee too.
    function _reserved(Parties memory parties, address payee, uint256 ceiling)
        private
        view
        returns (uint256 sum)
    {
        for (uint256 i = 0; i < 2; ++i) {
            Knowledge memory knowledge = known[_id(parties)][providers[i]];
            uint256 most = knowledge.cleared;
            if (_isLive(knowledge)) most = _max(most, knowledge.ceiling);
            if (providers[i] == payee) most = _max(most, ceiling);
            most = _max(most, _tab(parties, providers[i]).protested);
            sum += _above(most, _tab(parties, providers[i]).drawn);
        }
    }

    // ---------------------------------------------------------------- questions

    /// @notice I1, I2.
    function checkConserved() external view {
        _assertConserved();
    }

    /// @notice I4: nobody gets more than was promised to it, however the promises are used.
    function checkPaidOnce() external view {
        for (uint256 h = 0; h < 2; ++h) {
            for (uint256 p = 0; p < 2; ++p) {
                uint256 promisedNet;
                for (uint256 i = 0; i < lanes.length; ++i) {
                    if (lanes[i].hub != hubs[h]) continue;
                    uint256 drawn = _tab(lanes[i], providers[p]).drawn;
                    uint256 promised = known[knownChannels[i]][providers[p]].promised;
                    assertTrue(
                        drawn <= promised || _concludedFreely(lanes[i]), "I4: no more drawn than promised"
                    );
                    promisedNet += drawn;
                }
                AccountView memory account = channels.accountOf(hubs[h], providers[p]);
                assertTrue(account.credited <= promisedNet, "I4: no more credited than drawn");
                assertTrue(
                    account.paid <= _max(account.credited, hubPromised[hubs[h]][providers[p]]),
                    "I4: no more paid than credited or promised"
                );
            }
        }
    }

    /// @dev A false hub and a false consumer may conclude with any totals.
    function _concludedFreely(Parties memory parties) private view returns (bool) {
        return parties.hub == hubs[1] && parties.consumer == consumers[1];
    }

    /// @notice I5: what an honest consumer loses is what it promised, and nothing of its stake.
    function checkHonestConsumer() external view {
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(consumers[0]);
        assertEq(stake, 10 * WHOLE, "I5: stake");
        assertEq(faults + debt, 0, "I5: fault or debt");
        uint256 has = token.balanceOf(consumers[0]) + stake;
        uint256 promised;
        for (uint256 i = 0; i < lanes.length; ++i) {
            if (lanes[i].consumer != consumers[0]) continue;
            has += _channel(lanes[i]).balance;
            for (uint256 p = 0; p < 2; ++p) {
                promised += known[knownChannels[i]][providers[p]].promised;
            }
        }
        assertTrue(has + promised >= 100_000 * WHOLE, "I5: no more than it promised");
    }

    /// @notice I6: a hub that follows the protocol is never slashed, owes nothing, and can always pay.
    function checkHonestHub() external view {
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(hubs[0]);
        assertEq(stake, 2_000 * WHOLE, "I6: stake");
        assertEq(faults + debt, 0, "I6: fault or debt");
        uint256 advanced = channels.hubOf(hubs[0]).pool;
        uint256 behind;
        for (uint256 p = 0; p < 2; ++p) {
            AccountView memory account = channels.accountOf(hubs[0], providers[p]);
            advanced += _above(account.paid, account.credited);
            behind += _above(account.paid, account.credited);
        }
        assertTrue(advanced >= honestHubFunded, "I6: principal");
        // What it has advanced it can draw at once from channels that hold it.
        uint256 drawable;
        for (uint256 i = 0; i < lanes.length; ++i) {
            if (lanes[i].hub != hubs[0]) continue;
            uint256 onChannel;
            for (uint256 p = 0; p < 2; ++p) {
                uint256 cleared = known[knownChannels[i]][providers[p]].cleared;
                uint256 drawn = _tab(lanes[i], providers[p]).drawn;
                if (cleared > drawn) onChannel += cleared - drawn;
            }
            assertTrue(onChannel <= _channel(lanes[i]).balance, "I6: cleared promises are covered");
            drawable += onChannel;
        }
        assertTrue(behind <= drawable, "I6: advances are covered");
    }

    /// @notice I7: whatever the hubs did, an honest provider ends with what an honest consumer promised it.
    function finish() external {
        _inTime();
        for (uint256 round = 0; round < 16; ++round) {
            vm.warp(block.timestamp + 5 hours);
            _inTime();
        }
        for (uint256 i = 0; i < lanes.length; ++i) {
            if (lanes[i].consumer != consumers[0]) continue;
            assertTrue(
                _tab(lanes[i], providers[0]).drawn >= known[knownChannels[i]][providers[0]].promised,
                "I7: all of it drawn"
            );
        }
        for (uint256 h = 0; h < 2; ++h) {
            _try(address(channels), abi.encodeCall(channels.redeem, (_waiting(hubs[h], providers[0]))));
            AccountView memory account = channels.accountOf(hubs[h], providers[0]);
            assertTrue(account.paid >= account.credited, "I7: all of it paid");
        }
        // The honest hub draws what it cleared and has its principal back, with its fees.
        for (uint256 i = 0; i < lanes.length; ++i) {
            if (lanes[i].hub == hubs[0]) _drawCleared(lanes[i]);
        }
        for (uint256 p = 0; p < 2; ++p) {
            AccountView memory account = channels.accountOf(hubs[0], providers[p]);
            assertTrue(account.paid <= account.credited, "I6: nothing advanced stays out");
        }
        assertTrue(channels.hubOf(hubs[0]).pool >= honestHubFunded, "I6: principal in the pool");
        _assertConserved();
    }

    // ----------------------------------------------------------------- privates

    /// @dev Mostly a channel that is not closed yet: where one was closed the next begins.
    function _lane(uint256 lane) private returns (Parties memory parties) {
        if (lane % 16 == 15) return lanes[(lane / 16) % lanes.length];
        uint256 pair = lane % 4;
        parties = lanes[latest[pair]];
        if (_channel(parties).status == ChannelStatus.Closed && parties.nonce < MOST_IN_A_ROW) {
            parties.nonce += 1;
            latest[pair] = lanes.length;
            _addLane(parties);
        }
    }

    function _addLane(Parties memory parties) private {
        lanes.push(parties);
        knownChannels.push(_id(parties));
    }

    function _channel(Parties memory parties) private view returns (ChannelView memory) {
        return channels.channelOf(_id(parties));
    }

    function _isLive(Knowledge memory knowledge) private view returns (bool) {
        return knowledge.liveUntil > block.timestamp;
    }

    function _deposit(Parties memory parties, uint256 amount) private {
        uint256 value = bound(amount, 1, 50 * WHOLE);
        vm.prank(parties.consumer);
        (bool ok,) = _try(address(channels), abi.encodeCall(channels.deposit, (parties, value)));
        if (ok) deposited[_id(parties)] += value;
    }

    function _fundBy(address account, uint256 amount) private {
        vm.prank(account);
        channels.fund(account, amount);
    }

    function _drawAsHub(Parties memory parties, address payee, uint256 amount) private {
        if (amount == 0) return;
        Draw memory order = _hubDraw(parties, payee, amount);
        vm.prank(parties.hub);
        _try(address(channels), abi.encodeCall(channels.draw, (order)));
    }

    function _drawWith(Parties memory parties, address payee, uint256 amount, Knowledge memory knowledge)
        private
    {
        Draw memory order = _guaranteedUntil(parties, payee, amount, knowledge.ceiling, knowledge.liveUntil);
        _try(address(channels), abi.encodeCall(channels.draw, (order)));
    }

    function _protestFor(Parties memory parties, address payee, uint256 amount) private {
        bytes memory signature = _signPromise(parties, payee, amount);
        _try(address(channels), abi.encodeCall(channels.protest, (parties, payee, amount, signature)));
    }

    function _net(uint256 total) private pure returns (uint256) {
        return total - total * DEFAULT_FEE / 10_000;
    }

    function _above(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a - b : 0;
    }

    function _max(uint256 a, uint256 b) private pure returns (uint256) {
        return a > b ? a : b;
    }
}
