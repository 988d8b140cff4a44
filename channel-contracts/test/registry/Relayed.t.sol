// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {
    Deposit,
    IIdentityRegistry,
    Permit,
    Registration,
    Repayment,
    StakeWithdrawal,
    Standing,
    Unbonding
} from "../../src/interfaces/IIdentityRegistry.sol";
import {IChannelMoney, Parties} from "../../src/interfaces/IChannelMoney.sol";
import {World} from "../World.sol";

/// @notice Whatever an identity does with its stake and its channels, somebody else can send for a fee.
contract RelayedTest is World {
    Parties private parties;
    uint64 private constant DEADLINE = uint64(START) + 30 days;

    function setUp() public override {
        super.setUp();
        parties = _open(1, 100 * WHOLE);
    }

    function _deposit() private view returns (Deposit memory) {
        return Deposit(consumer, hub, 1, 5 * WHOLE, WHOLE, 0, DEADLINE);
    }

    function _unbonding(uint256 amount) private view returns (Unbonding memory) {
        return Unbonding(consumer, amount, WHOLE, registry.standingOf(consumer).nonce, DEADLINE);
    }

    function _withdrawal() private view returns (StakeWithdrawal memory) {
        return StakeWithdrawal(consumer, WHOLE, registry.standingOf(consumer).nonce, DEADLINE);
    }

    function _repayment(uint256 amount) private view returns (Repayment memory) {
        return Repayment(consumer, hub, 1, provider, amount, WHOLE, 0, DEADLINE);
    }

    /// @dev The consumer promised 200 and had 100 and a stake of 10, half of which is burned: 95 stay missing.
    function _indebt() private {
        _protest(parties, provider, 200 * WHOLE);
        vm.warp(START + PROTEST_WINDOW);
        channels.settleProtest(parties, provider);
        assertEq(registry.debtOf(consumer), 95 * WHOLE, "debt");
    }

    // --------------------------------------------------------------- deposits

    function test_a_deposit_with_a_permit_and_no_gas() public {
        vm.prank(consumer);
        token.approve(address(registry), 0);
        Deposit memory deposit = _deposit();
        Permit memory permit = _signPermit(consumer, address(registry), 6 * WHOLE, DEADLINE);
        bytes memory signature = _signDeposit(deposit);
        (uint256 before, uint256 had) = (token.balanceOf(relayer), token.balanceOf(consumer));
        vm.expectEmit();
        emit IChannelMoney.Deposited(_id(parties), address(registry), 5 * WHOLE, 105 * WHOLE);
        vm.prank(relayer);
        registry.depositFor(deposit, permit, signature);
        assertEq(channels.channelOf(_id(parties)).balance, 105 * WHOLE, "collateral");
        assertEq(token.balanceOf(relayer) - before, WHOLE, "the relayer's fee");
        assertEq(had - token.balanceOf(consumer), 6 * WHOLE, "and no more taken");
        assertEq(token.allowance(address(registry), address(channels)), 0, "nothing left to take");
        assertEq(registry.standingOf(consumer).nonce, 1, "nonce");
        _assertConserved();
    }

    function test_a_permit_used_by_somebody_first_does_no_harm_to_a_deposit() public {
        vm.prank(consumer);
        token.approve(address(registry), 0);
        Permit memory permit = _signPermit(consumer, address(registry), 6 * WHOLE, DEADLINE);
        token.permit(consumer, address(registry), permit.value, permit.deadline, permit.v, permit.r, permit.s);
        registry.depositFor(_deposit(), permit, _signDeposit(_deposit()));
        assertEq(channels.channelOf(_id(parties)).balance, 105 * WHOLE, "collateral");
    }

    function testFuzz_a_changed_deposit_is_refused(uint8 field) public {
        Deposit memory deposit = _deposit();
        bytes memory signature = _signDeposit(deposit);
        uint256 kind = bound(field, 0, 4);
        if (kind == 0) deposit.hub = relayer;
        if (kind == 1) deposit.channelNonce = 2;
        if (kind == 2) deposit.amount += 1;
        if (kind == 3) deposit.relayFee += 1;
        if (kind == 4) deposit.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.depositFor(deposit, _noPermit(), signature);
    }

    function test_nobody_signs_a_deposit_for_another() public {
        Deposit memory deposit = _deposit();
        keys[consumer] = relayerKey;
        bytes memory signature = _signDeposit(deposit);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.depositFor(deposit, _noPermit(), signature);
    }

    function test_a_deposit_is_good_once_in_time_and_until_it_is_taken_back() public {
        Deposit memory deposit = _deposit();
        bytes memory signature = _signDeposit(deposit);
        vm.warp(DEADLINE + 1);
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.SignatureExpired.selector, DEADLINE, block.timestamp)
        );
        registry.depositFor(deposit, _noPermit(), signature);
        vm.warp(DEADLINE);
        registry.depositFor(deposit, _noPermit(), signature);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, consumer, 0, 1));
        registry.depositFor(deposit, _noPermit(), signature);
        deposit.nonce = 1;
        signature = _signDeposit(deposit);
        vm.prank(consumer);
        registry.cancelSignatures();
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, consumer, 1, 2));
        registry.depositFor(deposit, _noPermit(), signature);
    }

    function test_a_deposit_into_nothing_keeps_nothing() public {
        Deposit memory deposit = _deposit();
        deposit.channelNonce = 2;
        bytes memory signature = _signDeposit(deposit);
        vm.expectRevert(
            abi.encodeWithSelector(IChannelMoney.ChannelNotOpen.selector, _id(Parties(consumer, hub, 2)))
        );
        registry.depositFor(deposit, _noPermit(), signature);
        deposit = _deposit();
        deposit.amount = 0;
        signature = _signDeposit(deposit);
        vm.expectRevert(IChannelMoney.ZeroAmount.selector);
        registry.depositFor(deposit, _noPermit(), signature);
    }

    function test_a_fee_that_is_not_there_takes_nothing() public {
        uint256 all = token.balanceOf(consumer) - 5 * WHOLE;
        vm.prank(consumer);
        token.transfer(relayer, all);
        Deposit memory deposit = _deposit();
        bytes memory signature = _signDeposit(deposit);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InsufficientBalance(address,uint256,uint256)")));
        registry.depositFor(deposit, _noPermit(), signature);
        assertEq(channels.channelOf(_id(parties)).balance, 100 * WHOLE, "as before");
        deposit.relayFee = 0;
        registry.depositFor(deposit, _noPermit(), _signDeposit(deposit));
        assertEq(channels.channelOf(_id(parties)).balance, 105 * WHOLE, "without a fee");
    }

    /// @notice A signature for one kind of document is none for another, nor for the other contract.
    function test_what_is_signed_for_one_act_is_good_for_no_other() public {
        bytes memory signature = _signDeposit(_deposit());
        Repayment memory repayment = _repayment(5 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.repayFor(repayment, _noPermit(), signature);
        Unbonding memory unbonding = _unbonding(5 * WHOLE);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);
        StakeWithdrawal memory withdrawal = _withdrawal();
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.withdrawStakeFor(withdrawal, signature);
    }

    // -------------------------------------------------------------- repayments

    function test_a_debt_is_repaid_without_gas_and_the_rest_stays() public {
        _indebt();
        Repayment memory repayment = _repayment(100 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        (uint256 before, uint256 had) = (token.balanceOf(relayer), token.balanceOf(consumer));
        vm.prank(relayer);
        assertEq(registry.repayFor(repayment, _noPermit(), signature), 95 * WHOLE, "taken");
        assertEq(token.balanceOf(relayer) - before, WHOLE, "the relayer's fee");
        assertEq(had - token.balanceOf(consumer), 96 * WHOLE, "what was missing, and the fee");
        assertEq(registry.debtOf(consumer), 0, "repaid");
        assertEq(token.allowance(address(registry), address(channels)), 0, "nothing left to take");
        _assertConserved();
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, consumer, 0, 1));
        registry.repayFor(repayment, _noPermit(), signature);
    }

    /// @notice A token may refuse to give back what was taken in excess, and so keep the debt standing for ever.
    function test_a_consumer_that_the_token_pays_nothing_repays_its_debt() public {
        _indebt();
        Repayment memory repayment = _repayment(100 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        uint256 had = token.balanceOf(consumer);
        vm.mockCallRevert(address(token), abi.encodeWithSelector(token.transfer.selector, consumer), "");
        vm.prank(relayer);
        assertEq(registry.repayFor(repayment, _noPermit(), signature), 95 * WHOLE, "taken");
        assertEq(had - token.balanceOf(consumer), 96 * WHOLE, "what was missing, and the fee");
        assertEq(registry.debtOf(consumer), 0, "repaid");
        _assertConserved();
    }

    /// @notice Somebody may repay a part in the same block: no more than the rest is taken.
    function test_a_debt_that_somebody_repays_first_takes_the_rest_only() public {
        _indebt();
        Repayment memory repayment = _repayment(95 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        vm.prank(relayer);
        channels.repay(parties, provider, 60 * WHOLE);
        assertEq(channels.repayable(parties, provider), 35 * WHOLE, "the rest");
        assertEq(registry.repayFor(repayment, _noPermit(), signature), 35 * WHOLE, "taken");
        assertEq(channels.repayable(parties, provider), 0, "nothing");
        _assertConserved();
    }

    /// @notice A token that calls its sender lets it repay in the midst: nothing stays behind.
    function test_what_is_repaid_in_the_midst_reverts() public {
        _indebt();
        Repayment memory repayment = _repayment(95 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        vm.mockCall(
            address(channels), abi.encodeWithSelector(IChannelMoney.repay.selector), abi.encode(94 * WHOLE)
        );
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, 95 * WHOLE, 94 * WHOLE)
        );
        registry.repayFor(repayment, _noPermit(), signature);
    }

    /// @notice Some tokens refuse transfers of nothing: where all is taken, nothing goes back.
    function test_a_debt_is_repaid_in_full_without_a_transfer_of_nothing() public {
        _indebt();
        Repayment memory repayment = _repayment(95 * WHOLE);
        repayment.relayFee = 0;
        bytes memory signature = _signRepayment(repayment);
        vm.mockCallRevert(
            address(token), abi.encodeWithSelector(token.transfer.selector, consumer, uint256(0)), ""
        );
        assertEq(registry.repayFor(repayment, _noPermit(), signature), 95 * WHOLE, "taken");
        assertEq(registry.debtOf(consumer), 0, "repaid");
    }

    function test_a_part_of_a_debt_is_repaid_without_gas_by_permit() public {
        _indebt();
        vm.prank(consumer);
        token.approve(address(registry), 0);
        Repayment memory repayment = _repayment(20 * WHOLE);
        Permit memory permit = _signPermit(consumer, address(registry), 21 * WHOLE, DEADLINE);
        assertEq(registry.repayFor(repayment, permit, _signRepayment(repayment)), 20 * WHOLE, "taken");
        assertEq(registry.debtOf(consumer), 75 * WHOLE, "the rest");
        _assertConserved();
    }

    function testFuzz_a_changed_repayment_is_refused(uint8 field) public {
        _indebt();
        Repayment memory repayment = _repayment(20 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        uint256 kind = bound(field, 0, 5);
        if (kind == 0) repayment.hub = relayer;
        if (kind == 1) repayment.channelNonce = 2;
        if (kind == 2) repayment.provider = relayer;
        if (kind == 3) repayment.amount += 1;
        if (kind == 4) repayment.relayFee += 1;
        if (kind == 5) repayment.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.repayFor(repayment, _noPermit(), signature);
    }

    function test_nothing_is_taken_where_nothing_is_missing() public {
        Repayment memory repayment = _repayment(20 * WHOLE);
        bytes memory signature = _signRepayment(repayment);
        vm.expectRevert(abi.encodeWithSelector(IChannelMoney.NothingMissing.selector, provider));
        registry.repayFor(repayment, _noPermit(), signature);
        repayment.deadline = uint64(START) - 1;
        signature = _signRepayment(repayment);
        vm.expectPartialRevert(IIdentityRegistry.SignatureExpired.selector);
        registry.repayFor(repayment, _noPermit(), signature);
    }

    // ------------------------------------------------------------------ stake

    function test_stake_is_added_by_a_registration_for_no_new_role() public {
        Standing memory standing = registry.standingOf(consumer);
        Registration memory registration =
            Registration(consumer, 0, 3 * WHOLE, standing.beneficiary, standing.url, WHOLE, 0, DEADLINE);
        registry.registerFor(registration, _noPermit(), _signRegistration(registration));
        assertEq(registry.standingOf(consumer).stake, 13 * WHOLE, "stake");
        assertEq(registry.standingOf(consumer).roles, CONSUMER, "the same roles");
        _assertConserved();
    }

    function test_a_stake_leaves_without_gas() public {
        Unbonding memory unbonding = _unbonding(type(uint256).max);
        bytes memory signature = _signUnbonding(unbonding);
        (uint256 before, uint256 had) = (token.balanceOf(relayer), token.balanceOf(consumer));
        vm.expectEmit();
        emit IIdentityRegistry.UnbondingRequested(consumer, 10 * WHOLE, 10 * WHOLE, uint64(START) + UNBONDING);
        vm.prank(relayer);
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);
        assertEq(token.balanceOf(relayer) - before, WHOLE, "the relayer's fee");
        assertEq(had - token.balanceOf(consumer), WHOLE, "from the consumer's tokens");
        assertEq(registry.standingOf(consumer).unbonding, 10 * WHOLE, "unbonding in full");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, consumer, 0, 1));
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);

        StakeWithdrawal memory withdrawal = _withdrawal();
        signature = _signWithdrawal(withdrawal);
        vm.expectPartialRevert(IIdentityRegistry.StillUnbonding.selector);
        registry.withdrawStakeFor(withdrawal, signature);
        vm.warp(START + UNBONDING);
        (before, had) = (token.balanceOf(relayer), token.balanceOf(consumer));
        vm.expectEmit();
        emit IIdentityRegistry.StakeWithdrawn(consumer, consumer, 9 * WHOLE);
        vm.prank(relayer);
        assertEq(registry.withdrawStakeFor(withdrawal, signature), 10 * WHOLE, "left");
        assertEq(token.balanceOf(relayer) - before, WHOLE, "the relayer's fee");
        assertEq(token.balanceOf(consumer) - had, 9 * WHOLE, "the rest");
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongNonce.selector, consumer, 1, 2));
        registry.withdrawStakeFor(withdrawal, signature);
        _assertConserved();
    }

    function test_what_unbonds_is_put_back_without_gas() public {
        registry.requestUnbondingFor(
            _unbonding(3 * WHOLE), _noPermit(), _signUnbonding(_unbonding(3 * WHOLE))
        );
        vm.expectEmit();
        emit IIdentityRegistry.UnbondingCancelled(consumer, 3 * WHOLE);
        registry.requestUnbondingFor(_unbonding(0), _noPermit(), _signUnbonding(_unbonding(0)));
        assertEq(registry.standingOf(consumer).stake, 10 * WHOLE, "back");
        Unbonding memory again = _unbonding(0);
        bytes memory signature = _signUnbonding(again);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.NothingUnbonding.selector, consumer));
        registry.requestUnbondingFor(again, _noPermit(), signature);
        _assertConserved();
    }

    function test_unbonding_by_permit() public {
        vm.prank(consumer);
        token.approve(address(registry), 0);
        Unbonding memory unbonding = _unbonding(WHOLE);
        Permit memory permit = _signPermit(consumer, address(registry), WHOLE, DEADLINE);
        registry.requestUnbondingFor(unbonding, permit, _signUnbonding(unbonding));
        assertEq(registry.standingOf(consumer).unbonding, WHOLE, "unbonding");
    }

    /// @notice A fee is no way past the delay: it never comes out of a stake that can still be slashed.
    function test_a_consumer_cannot_carry_its_stake_away_as_a_fee() public {
        uint256 all = token.balanceOf(consumer);
        vm.prank(consumer);
        token.transfer(relayer, all);
        Unbonding memory unbonding = _unbonding(type(uint256).max);
        unbonding.relayFee = 10 * WHOLE;
        bytes memory signature = _signUnbonding(unbonding);
        vm.prank(relayer);
        vm.expectPartialRevert(bytes4(keccak256("ERC20InsufficientBalance(address,uint256,uint256)")));
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);
    }

    function testFuzz_changed_documents_about_a_stake_are_refused(uint8 field) public {
        Unbonding memory unbonding = _unbonding(WHOLE);
        bytes memory signature = _signUnbonding(unbonding);
        uint256 kind = bound(field, 0, 2);
        if (kind == 0) unbonding.amount += 1;
        if (kind == 1) unbonding.relayFee += 1;
        if (kind == 2) unbonding.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);
        StakeWithdrawal memory withdrawal = _withdrawal();
        signature = _signWithdrawal(withdrawal);
        if (kind == 0) withdrawal.relayFee += 1;
        else withdrawal.deadline += 1;
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.WrongSigner.selector, consumer));
        registry.withdrawStakeFor(withdrawal, signature);
    }

    function test_documents_about_a_stake_expire() public {
        Unbonding memory unbonding = _unbonding(WHOLE);
        bytes memory signature = _signUnbonding(unbonding);
        StakeWithdrawal memory withdrawal = _withdrawal();
        bytes memory other = _signWithdrawal(withdrawal);
        vm.warp(DEADLINE + 1);
        vm.expectPartialRevert(IIdentityRegistry.SignatureExpired.selector);
        registry.requestUnbondingFor(unbonding, _noPermit(), signature);
        vm.expectPartialRevert(IIdentityRegistry.SignatureExpired.selector);
        registry.withdrawStakeFor(withdrawal, other);
    }

    function test_a_fee_is_at_most_what_leaves() public {
        vm.prank(consumer);
        registry.requestUnbonding(2 * WHOLE);
        vm.warp(START + UNBONDING);
        StakeWithdrawal memory withdrawal = _withdrawal();
        withdrawal.relayFee = 2 * WHOLE + 1;
        bytes memory signature = _signWithdrawal(withdrawal);
        vm.expectRevert(
            abi.encodeWithSelector(IIdentityRegistry.AmountTooLarge.selector, 2 * WHOLE + 1, 2 * WHOLE)
        );
        registry.withdrawStakeFor(withdrawal, signature);
        withdrawal.relayFee = 2 * WHOLE;
        uint256 before = token.balanceOf(relayer);
        signature = _signWithdrawal(withdrawal);
        vm.prank(relayer);
        registry.withdrawStakeFor(withdrawal, signature);
        assertEq(token.balanceOf(relayer) - before, 2 * WHOLE, "all of it");
        _assertConserved();
    }

    function test_a_debtor_withdraws_nothing_through_a_relayer() public {
        vm.prank(consumer);
        registry.requestUnbonding(2 * WHOLE);
        _indebt();
        // A slash took what was unbonding, too; somebody adds, and the debtor unbonds that.
        vm.prank(relayer);
        registry.addStake(consumer, 4 * WHOLE);
        vm.prank(consumer);
        registry.requestUnbonding(type(uint256).max);
        vm.warp(block.timestamp + UNBONDING);
        StakeWithdrawal memory withdrawal = _withdrawal();
        bytes memory signature = _signWithdrawal(withdrawal);
        vm.expectRevert(abi.encodeWithSelector(IIdentityRegistry.DebtStands.selector, consumer, 95 * WHOLE));
        registry.withdrawStakeFor(withdrawal, signature);
    }
}
