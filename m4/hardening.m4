# AN_TRY_CFLAG(FLAG, VARIABLE): adds FLAG to VARIABLE where the compiler takes it.
AC_DEFUN([AN_TRY_CFLAG], [
  AS_VAR_PUSHDEF([cv], [an_cv_cflag_$1])
  AC_CACHE_CHECK([whether $CC takes $1], [cv], [
    an_save=$CFLAGS; CFLAGS="$CFLAGS -Werror $1"
    AC_LINK_IFELSE([AC_LANG_PROGRAM()], [AS_VAR_SET([cv], [yes])], [AS_VAR_SET([cv], [no])])
    CFLAGS=$an_save])
  AS_VAR_IF([cv], [yes], [$2="$$2 $1"])
  AS_VAR_POPDEF([cv])])

# Warnings that found real faults elsewhere, and the flags of the OpenSSF hardening guide.
AC_DEFUN([AN_HARDENING], [
  AN_CFLAGS="-std=gnu11"
  AN_LDFLAGS=
  AN_TRY_CFLAG([-Wall], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wextra], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wformat=2], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wshadow], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wvla], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wwrite-strings], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wstrict-prototypes], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wmissing-prototypes], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wundef], [AN_CFLAGS])
  AN_TRY_CFLAG([-Wimplicit-fallthrough], [AN_CFLAGS])
  AN_TRY_CFLAG([-fno-common], [AN_CFLAGS])
  AN_TRY_CFLAG([-fstack-protector-strong], [AN_CFLAGS])
  AN_TRY_CFLAG([-fstack-clash-protection], [AN_CFLAGS])
  AN_TRY_CFLAG([-fPIE], [AN_CFLAGS])
  AN_TRY_CFLAG([-pie], [AN_LDFLAGS])
  AN_TRY_CFLAG([-Wl,-z,relro], [AN_LDFLAGS])
  AN_TRY_CFLAG([-Wl,-z,now], [AN_LDFLAGS])
  AN_TRY_CFLAG([-Wl,-z,noexecstack], [AN_LDFLAGS])
])
