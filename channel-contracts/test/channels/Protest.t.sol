// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IChannelMoney} from "../../src/interfaces/IChannelMoney.sol";
import {Parties, TabView} from "../../src/interfaces/IPaymentChannels.sol";
import {World} from "../World.sol";

contract ProtestTest is World {
    Parties private parties;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function test_a_promise_without_a_guarantee_is_paid_after_the_window() public {
        uint64 endsAt = uint64(START) + PROTEST_WINDOW;
        bytes32 id = _id(parties);
        vm.expectEmit();
        emit IChannelMoney.ProtestOpened(id, provider, 30 * WHOLE, endsAt);
        _protest(parties, provider, 30 * WHOLE);
        assertEq(channels.channelOf(id).openProtests, 1, "open");
        assertEq(_tab(parties, provider).protested, 30 * WHOLE, "protested");
        vm.warp(endsAt - 1);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.ProtestRunning.selector, id, provider, endsAt, block.timestamp
            )
        );
        channels.settleProtest(parties, provider);
        vm.warp(endsAt);
        vm.expectEmit();
        emit IChannelMoney.ProtestClosed(id, provider);
        assertEq(channels.settleProtest(parties, provider), 30 * WHOLE, "credited");
        TabView memory tab = _tab(parties, provider);
        assertEq(tab.drawn, 30 * WHOLE, "drawn");
        assertEq(tab.protested + tab.protestEndsAt, 0, "closed");
        assertEq(channels.channelOf(id).openProtests, 0, "none open");
        assertEq(channels.accountOf(hub, provider).credited, 294 * WHOLE / 10, "C");
        (, uint32 faults, uint256 debt) = registry.securityOf(consumer);
        assertEq(faults + debt, 0, "nothing was missing, nobody is at fault");
        _assertConserved();
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NoProtest.selector, id, provider));
        channels.settleProtest(parties, provider);
    }

    /// @notice I5 for consumers: what the channel lacks comes from the stake, at double cost.
    function testFuzz_what_is_missing_comes_from_the_consumers_stake(uint128 promised_) public {
        uint256 promised = bound(promised_, 1, 200 * WHOLE);
        _protest(parties, provider, promised);
        vm.warp(START + PROTEST_WINDOW);
        uint256 credited = channels.settleProtest(parties, provider);
        uint256 lacked = promised > 100 * WHOLE ? promised - 100 * WHOLE : 0;
        uint256 slashed = lacked < 5 * WHOLE ? lacked : 5 * WHOLE;
        assertEq(credited, promised - lacked + slashed, "credited");
        (uint128 stake, uint32 faults, uint256 debt) = registry.securityOf(consumer);
        assertEq(stake, 10 * WHOLE - 2 * slashed, "stake");
        assertEq(faults, lacked > 0 ? 1 : 0, "fault");
        assertEq(debt, lacked - slashed, "debt");
        assertEq(_tab(parties, provider).missingByConsumer, debt, "missing");
        _assertConserved();
    }

    function test_a_consumer_repays_and_is_served_again() public {
        _protest(parties, provider, 150 * WHOLE);
        vm.warp(START + PROTEST_WINDOW);
        channels.settleProtest(parties, provider);
        assertEq(registry.debtOf(consumer), 45 * WHOLE, "debt");
        // The same again finds nothing new: no penalty, no fault, no more debt.
        _protest(parties, provider, 150 * WHOLE);
        vm.warp(START + 2 * PROTEST_WINDOW);
        assertEq(channels.settleProtest(parties, provider), 0, "nothing there");
        assertEq(registry.debtOf(consumer), 45 * WHOLE, "debt");
        (, uint32 faults,) = registry.securityOf(consumer);
        assertEq(faults, 1, "faults");
        assertEq(registry.burned(), 5 * WHOLE, "burned");
        // A top-up that is drawn lowers it.
        vm.startPrank(consumer);
        channels.deposit(parties, 20 * WHOLE);
        vm.stopPrank();
        _drawByHub(parties, provider, 150 * WHOLE);
        assertEq(registry.debtOf(consumer), 25 * WHOLE, "debt");
        vm.prank(consumer);
        assertEq(channels.repay(parties, provider, 25 * WHOLE), 25 * WHOLE, "repaid");
        assertEq(registry.debtOf(consumer), 0, "free");
        assertEq(channels.accountOf(hub, provider).credited, 147 * WHOLE, "the provider has it all");
        vm.startPrank(consumer);
        registry.addStake(consumer, WHOLE);
        channels.open(hub, 2, WHOLE);
        vm.stopPrank();
    }

    function test_a_debt_of_a_consumer_is_not_covered_by_what_the_hub_advanced() public {
        _fund(200 * WHOLE);
        _redeem(hub, provider, 147 * WHOLE);
        _protest(parties, provider, 150 * WHOLE);
        vm.warp(START + PROTEST_WINDOW);
        channels.settleProtest(parties, provider);
        uint256 pool = _pool();
        vm.prank(consumer);
        assertEq(channels.repay(parties, provider, 45 * WHOLE), 45 * WHOLE, "the consumer pays");
        assertEq(_pool() - pool, 45 * WHOLE, "the hub, who had advanced it");
        _assertConserved();
    }

    function test_a_larger_promise_replaces_within_the_same_window() public {
        _protest(parties, provider, 10 * WHOLE);
        uint64 endsAt = _tab(parties, provider).protestEndsAt;
        vm.warp(endsAt - MAX_GUARANTEE);
        _protest(parties, provider, 20 * WHOLE);
        assertEq(_tab(parties, provider).protestEndsAt, endsAt, "the same window");
        assertEq(channels.channelOf(_id(parties)).openProtests, 1, "one");
        bytes memory same = _signPromise(parties, provider, 20 * WHOLE);
        bytes32 id = _id(parties);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AlreadyProtested.selector, id, provider, 20 * WHOLE, 20 * WHOLE
            )
        );
        channels.protest(parties, provider, 20 * WHOLE, same);
        vm.warp(endsAt);
        assertEq(channels.settleProtest(parties, provider), 20 * WHOLE, "credited");
    }

    /// @notice Else a hub could not know of it before the guarantees it gives now have ended.
    function test_no_larger_promise_in_the_last_hours_of_a_window() public {
        _protest(parties, provider, 10 * WHOLE);
        uint64 endsAt = _tab(parties, provider).protestEndsAt;
        vm.warp(endsAt - MAX_GUARANTEE + 1);
        bytes memory larger = _signPromise(parties, provider, 20 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.ProtestTooLate.selector, _id(parties), uint256(endsAt) + 1, uint256(endsAt)
            )
        );
        channels.protest(parties, provider, 20 * WHOLE, larger);
    }

    function test_a_protest_closes_when_its_promise_is_drawn() public {
        _protest(parties, provider, 10 * WHOLE);
        _drawByHub(parties, provider, 9 * WHOLE);
        assertEq(channels.channelOf(_id(parties)).openProtests, 1, "still open");
        _drawByHub(parties, provider, 10 * WHOLE);
        assertEq(channels.channelOf(_id(parties)).openProtests, 0, "closed");
        bytes memory signature = _signPromise(parties, provider, 10 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AlreadyDrawn.selector, _id(parties), provider, 10 * WHOLE, 10 * WHOLE
            )
        );
        channels.protest(parties, provider, 10 * WHOLE, signature);
        // The next one opens a window of its own.
        vm.warp(START + 7);
        _protest(parties, provider, 11 * WHOLE);
        assertEq(_tab(parties, provider).protestEndsAt, START + 7 + PROTEST_WINDOW, "window");
    }

    function test_only_what_the_consumer_signed_on_a_real_channel() public {
        bytes memory signature = _signPromise(parties, provider, 10 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.WrongSigner.selector, consumer));
        channels.protest(parties, provider, 10 * WHOLE + 1, signature);
        vm.expectRevert(
            abi.encodeWithSelector(
                IChannelMoney.AmountTooLarge.selector, uint256(1) << 128, type(uint128).max
            )
        );
        channels.protest(parties, provider, uint256(1) << 128, signature);
        Parties memory other = _parties(55);
        bytes memory onNone = _signPromise(other, provider, WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(other)));
        channels.protest(other, provider, WHOLE, onNone);
    }

    function test_the_consumer_may_protest_for_a_provider() public {
        bytes memory signature = _signPromise(parties, provider, WHOLE);
        vm.prank(consumer);
        channels.protest(parties, provider, WHOLE, signature);
        assertEq(_tab(parties, provider).protested, WHOLE, "protested");
    }

    function test_after_a_requested_exit_only_if_the_window_ends_in_time() public {
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        uint256 exitAt = START + EXIT_DELAY;
        vm.warp(exitAt - PROTEST_WINDOW);
        _protest(parties, provider, 10 * WHOLE);
        vm.warp(exitAt - PROTEST_WINDOW + 1);
        bytes memory signature = _signPromise(parties, relayer, WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.ProtestTooLate.selector, _id(parties), exitAt + 1, exitAt)
        );
        channels.protest(parties, relayer, WHOLE, signature);
    }

    /// @notice Whoever may not protest more in the last hours of a window can do so after it, before the exit.
    function test_a_larger_promise_can_be_protested_twice_before_an_exit() public {
        _protest(parties, provider, 10 * WHOLE);
        uint64 endsAt = _tab(parties, provider).protestEndsAt;
        vm.warp(endsAt - MAX_GUARANTEE + 1);
        vm.prank(consumer);
        channels.requestExit(hub, 1);
        vm.warp(endsAt);
        channels.settleProtest(parties, provider);
        _protest(parties, provider, 20 * WHOLE);
        vm.warp(endsAt + PROTEST_WINDOW);
        assertEq(channels.settleProtest(parties, provider), 10 * WHOLE, "the rest of it");
    }

    function test_after_a_conclusion_the_consumers_stake_answers_for_who_gave_no_release() public {
        _conclude(_final(parties));
        _protest(parties, provider, 4 * WHOLE);
        vm.warp(START + PROTEST_WINDOW);
        assertEq(channels.settleProtest(parties, provider), 4 * WHOLE, "from the stake");
        (uint128 stake, uint32 faults,) = registry.securityOf(consumer);
        assertEq(stake, 2 * WHOLE, "stake");
        assertEq(faults, 1, "fault");
        _assertConserved();
    }

    function test_after_a_conclusion_a_release_is_the_last_word() public {
        _conclude(_finalWith(parties, provider, 4 * WHOLE, uint64(START)));
        bytes memory signature = _signPromise(parties, provider, 5 * WHOLE);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.AlreadyReleased.selector, _id(parties), provider)
        );
        channels.protest(parties, provider, 5 * WHOLE, signature);
    }
}
