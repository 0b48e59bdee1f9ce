/* SPDX-License-Identifier: MIT */
/* Written by milliwatt.signal_features.host_header(): do not edit. */
/* clang-format off */
case 0: { /* mean */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    value = sums->mean;
    break;
}
case 1: { /* rms */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    value = mw_rms_f32(sums);
    break;
}
case 2: { /* energy */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    value = mw_energy_f32(sums);
    break;
}
case 3: { /* variance */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    value = mw_variance_f32(sums, 0);
    break;
}
case 4: { /* std */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    value = mw_std_f32(sums, 0);
    break;
}
case 5: { /* skewness */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    mw_shape_f32 shape[1];
    (void) mw_shape_of_f32(x + 0, sums + 0, shape + 0);
    value = mw_skewness_f32(shape);
    break;
}
case 6: { /* kurtosis */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    mw_shape_f32 shape[1];
    (void) mw_shape_of_f32(x + 0, sums + 0, shape + 0);
    value = mw_kurtosis_f32(shape);
    break;
}
case 7: { /* min */
    mw_range_f32 range[1];
    (void) mw_range_of_f32(x + 0, range + 0);
    value = range->low;
    break;
}
case 8: { /* max */
    mw_range_f32 range[1];
    (void) mw_range_of_f32(x + 0, range + 0);
    value = range->high;
    break;
}
case 9: { /* peak_to_peak */
    mw_range_f32 range[1];
    (void) mw_range_of_f32(x + 0, range + 0);
    value = mw_peak_to_peak_f32(range);
    break;
}
case 10: { /* abs_mean */
    float absolute[1];
    (void) mw_absolute_sum_f32(x + 0, absolute + 0);
    value = *absolute / (float) n;
    break;
}
case 11: { /* zero_crossings */
    uint16_t count = 0;
    (void) mw_crossings_f32(x, (float) 0, &count);
    value = (float) count;
    break;
}
case 12: { /* mean_crossings */
    mw_sums_f32 sums[1];
    (void) mw_sum_f32(x + 0, sums + 0);
    uint16_t count = 0;
    (void) mw_crossings_f32(x, sums->mean, &count);
    value = (float) count;
    break;
}
case 13: { /* crossings */
    uint16_t count = 0;
    (void) mw_crossings_f32(x, (float) argument, &count);
    value = (float) count;
    break;
}
case 14: { /* slope_changes */
    uint16_t count = 0;
    (void) mw_turns_f32(x, (float) argument, &count);
    value = (float) count;
    break;
}
case 15: { /* waveform_length */
    mw_slopes_f32 slopes[1];
    (void) mw_slopes_of_f32(x + 0, slopes + 0);
    value = slopes->length;
    break;
}
case 16: { /* jerk */
    mw_slopes_f32 slopes[1];
    (void) mw_slopes_of_f32(x + 0, slopes + 0);
    value = mw_jerk_f32(slopes, 1.0f);
    break;
}
case 17: { /* jerk_rms */
    mw_slopes_f32 slopes[1];
    (void) mw_slopes_of_f32(x + 0, slopes + 0);
    value = mw_jerk_rms_f32(slopes, 1.0f);
    break;
}
case 18: { /* median */
    const uint16_t per_mille[] = {500};
    float quantiles[1];
    (void) mw_quantiles_f32(x, scratch, per_mille, 1, quantiles);
    value = quantiles[0];
    break;
}
case 19: { /* percentile */
    const uint16_t per_mille[] = {(uint16_t) argument};
    float quantiles[1];
    (void) mw_quantiles_f32(x, scratch, per_mille, 1, quantiles);
    value = quantiles[0];
    break;
}
case 20: { /* iqr */
    const uint16_t per_mille[] = {250, 750};
    float quantiles[2];
    (void) mw_quantiles_f32(x, scratch, per_mille, 2, quantiles);
    value = quantiles[1] - quantiles[0];
    break;
}
case 21: { /* correlation */
    mw_sums_f32 sums[2];
    (void) mw_sum_f32(x + 0, sums + 0);
    (void) mw_sum_f32(x + 1, sums + 1);
    float products;
    (void) mw_products_f32(x, x + 1, sums, sums + 1, &products);
    value = mw_correlation_f32(sums, sums + 1, products);
    break;
}
case 22: { /* covariance */
    mw_sums_f32 sums[2];
    (void) mw_sum_f32(x + 0, sums + 0);
    (void) mw_sum_f32(x + 1, sums + 1);
    float products;
    (void) mw_products_f32(x, x + 1, sums, sums + 1, &products);
    value = mw_covariance_f32(sums, products, 0);
    break;
}
case 23: { /* magnitude_area */
    float absolute[3];
    (void) mw_absolute_sum_f32(x + 0, absolute + 0);
    (void) mw_absolute_sum_f32(x + 1, absolute + 1);
    (void) mw_absolute_sum_f32(x + 2, absolute + 2);
    value = mw_magnitude_area_f32(absolute[0], absolute[1], absolute[2], (uint16_t) n);
    break;
}
case 24: { /* roll */
    mw_sums_f32 sums[3];
    (void) mw_sum_f32(x + 0, sums + 0);
    (void) mw_sum_f32(x + 1, sums + 1);
    (void) mw_sum_f32(x + 2, sums + 2);
    const mw_gravity_f32 means = {sums[0].mean, sums[1].mean, sums[2].mean};
    value = mw_roll_f32(&means);
    break;
}
case 25: { /* pitch */
    mw_sums_f32 sums[3];
    (void) mw_sum_f32(x + 0, sums + 0);
    (void) mw_sum_f32(x + 1, sums + 1);
    (void) mw_sum_f32(x + 2, sums + 2);
    const mw_gravity_f32 means = {sums[0].mean, sums[1].mean, sums[2].mean};
    value = mw_pitch_f32(&means);
    break;
}
